//! `kill -9` of PostgreSQL while runs are in flight, and sometimes of `dotwrap` at the same time.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::sleep;

use super::{Campaign, Stats};
use crate::fixture::Fixture;
use crate::injection_point::Trigger;
use crate::plan::Plan;
use crate::recovery::aftermath;
use crate::run_process::{Attempt, RunSpec};
use crate::server::KillTarget;
use crate::tools::PAIRS;

const OURS: Campaign = Campaign::Postgresql;

/// The number of runs in flight; the first one determines the time.
const IN_FLIGHT: usize = 5;

pub(super) async fn run(plan: &Plan) -> Stats {
    let mut site = Fixture::new().await;
    let mut tally = Stats::default();
    for round in plan.rounds.clone() {
        let mut dice = plan.rng(OURS, round);
        let when = Trigger::of_round(round, &mut dice);
        let first = dice.usize(..PAIRS);
        let mut attempts: Vec<Attempt> = (0..IN_FLIGHT)
            .map(|number| {
                let pair = (first + number) % PAIRS;
                let order = RunSpec::new(&mut dice, pair, format!("postgresql-{round}-{number}"));
                order.start(&site, &site.server.url())
            })
            .collect();
        let kept = when.keep(&site, &mut attempts[0]).await;
        let (victim, away) = kill(&mut dice);
        let dies_too = dice.u8(..4) == 0;
        site.server.kill_9(victim, &mut dice);
        tally.crash(kept.was_reached);
        drop(kept);
        let mut ended = Vec::new();
        if dies_too {
            ended = join_all(attempts.drain(..).map(Attempt::kill_9)).await;
        }
        sleep(away).await;
        site.server.restart().await;
        ended.extend(join_all(attempts.into_iter().map(Attempt::wait)).await);
        let (complaints, found) = aftermath(&site, &ended).await;
        let what = format!("{when:?}, {victim:?} for {away:?}, dotwrap too: {dies_too}");
        OURS.expect_none(plan, &[round], &what, &complaints);
        tally.add(found);
    }
    tally
}

/// The process to kill, and the delay before the restart: none, shorter than the leases, or longer.
pub(super) fn kill(dice: &mut fastrand::Rng) -> (KillTarget, Duration) {
    let victims = [
        KillTarget::Everything,
        KillTarget::Everything,
        KillTarget::Postmaster,
        KillTarget::Session,
    ];
    let aways = [0, 0, 700, 3_000];
    let victim = victims[dice.usize(..victims.len())];
    let away = aways[dice.usize(..aways.len())];
    (victim, Duration::from_millis(away))
}
