//! `kill -9` of `dotwrap run`. Some runs are only stopped for longer than their lease, and continue after another run
//! took it over.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::sleep;

use super::{Campaign, Stats};
use crate::fixture::{Fixture, LEASE_TTL};
use crate::injection_point::Trigger;
use crate::plan::Plan;
use crate::recovery::aftermath;
use crate::run_process::{Ended, RunSpec};
use crate::tools::PAIRS;

const OURS: Campaign = Campaign::Dotwrap;

pub(super) async fn run(plan: &Plan) -> Stats {
    let site = Fixture::new().await;
    let mut tally = Stats::default();
    let rounds: Vec<usize> = plan.rounds.clone().collect();
    // Concurrently, so that many leases expire at once.
    for batch in rounds.chunks(PAIRS) {
        let killed = batch.iter().enumerate().map(|(lane, round)| {
            let mut dice = plan.rng(OURS, *round);
            let when = Trigger::of_round(*round, &mut dice);
            let order = RunSpec::new(&mut dice, lane, format!("dotwrap-{round}"));
            kill(&site, order, when, dice.u8(..6) == 0)
        });
        let killed: Vec<KillRecord> = join_all(killed).await;
        let what: Vec<_> = killed.iter().map(|it| it.what.clone()).collect();
        let mut attempts = Vec::new();
        for struck in killed {
            tally.crash(struck.in_time);
            let started = struck.attempts.iter().map(|ended| ended.started.len());
            tally.orphans += started.sum::<usize>();
            attempts.extend(struck.attempts);
        }
        let (complaints, found) = aftermath(&site, &attempts).await;
        OURS.expect_none(plan, batch, &what.join("; "), &complaints);
        tally.add(found);
    }
    tally
}

/// The fate of a run.
struct KillRecord {
    what: String,
    in_time: bool,
    /// It, and its rival if it had one.
    attempts: Vec<Ended>,
}

async fn kill(site: &Fixture, order: RunSpec, when: Trigger, is_paused: bool) -> KillRecord {
    let rival = order.spawn_concurrent();
    let mut attempt = order.start(site, &site.server.url());
    let kept = when.keep(site, &mut attempt).await;
    let in_time = kept.was_reached;
    let attempts = if is_paused {
        attempt.pause(true);
        drop(kept);
        sleep(Duration::from_secs(LEASE_TTL) + Duration::from_millis(200)).await;
        let rival = rival.start(site, &site.server.url()).wait().await;
        attempt.pause(false);
        vec![attempt.wait().await, rival]
    } else {
        vec![attempt.kill_9().await]
    };
    KillRecord {
        what: format!("{when:?}, paused: {is_paused}"),
        in_time,
        attempts,
    }
}
