//! Cuts the connection at a message, before or after it is forwarded.

use std::path::Path;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::sleep;

use super::{Campaign, Stats};
use crate::fixture::{Fixture, LEASE_TTL};
use crate::plan::Plan;
use crate::proxy::{Cut, Outage, Proxy};
use crate::recovery::aftermath;
use crate::run_process::{Attempt, Ended, RunSpec};
use crate::tools::PAIRS;

const OURS: Campaign = Campaign::Connection;

pub(super) async fn run(plan: &Plan) -> Stats {
    let site = Fixture::new().await;
    let mut tally = Stats::default();
    let counted = baseline(&site).await;
    eprintln!("{OURS}: an undisturbed run takes {counted} messages");
    let messages = plan.messages.unwrap_or(counted);
    let cuts = 2 * messages;
    let end = plan.rounds.end.min(cuts);
    let rounds: Vec<usize> = (plan.rounds.start..end).collect();
    for batch in rounds.chunks(PAIRS) {
        let cut = batch.iter().enumerate().map(|(lane, round)| {
            let mut dice = plan.rng(OURS, *round);
            // Spread evenly; every place in its turn if there are enough rounds.
            let place = *round * cuts / end;
            let cut = Cut {
                message: place / 2,
                is_forwarded: place % 2 == 1,
                outage: outage(&mut dice),
            };
            let order = RunSpec::new(&mut dice, lane, format!("connection-{round}"));
            run_through(&site, order, *round, cut)
        });
        let cut: Vec<(Vec<Ended>, bool, Cut)> = join_all(cut).await;
        let places: Vec<_> = cut.iter().map(|(_, _, cut)| *cut).collect();
        let mut attempts = Vec::new();
        for (ended, in_time, _) in cut {
            tally.crash(in_time);
            attempts.extend(ended);
        }
        let (complaints, found) = aftermath(&site, &attempts).await;
        let what = format!("of {messages} messages, {places:?}");
        OURS.expect_none(plan, batch, &what, &complaints);
        tally.add(found);
    }
    tally
}

/// Longer than a lease's time to live.
const LONG: Duration = Duration::from_millis(LEASE_TTL * 1_000 + 1_500);

fn outage(dice: &mut fastrand::Rng) -> Outage {
    match dice.u8(..9) {
        0 => Outage::Network(Duration::from_millis(400)),
        1 => Outage::Network(LONG),
        2 => Outage::Silence(Duration::from_millis(900)),
        3 => Outage::Silence(LONG),
        _ => Outage::Connection,
    }
}

/// The number of protocol messages of an undisturbed run.
async fn baseline(site: &Fixture) -> usize {
    let order = RunSpec::new(
        &mut fastrand::Rng::with_seed(0),
        0,
        "undisturbed".to_owned(),
    );
    let proxy = Proxy::start(&site.path("wire"), &site.server.socket(), None);
    let ended = start(site, order, &site.path("wire")).wait().await;
    assert_eq!(ended.status, Some(0), "{}", ended.said.text());
    proxy.messages()
}

/// Runs beyond the cut. Where that outlasts the lease, another run of the pair with an intact connection takes the
/// lease over.
async fn run_through(
    site: &Fixture,
    order: RunSpec,
    round: usize,
    cut: Cut,
) -> (Vec<Ended>, bool, Cut) {
    let folder = site.path(&format!("wire-{round}"));
    let proxy = Proxy::start(&folder, &site.server.socket(), Some(cut));
    let rival = order.spawn_concurrent();
    let mut attempt = start(site, order, &folder);
    let mut attempts = Vec::new();
    if [Outage::Network(LONG), Outage::Silence(LONG)].contains(&cut.outage) {
        while !proxy.has_cut() && !attempt.is_over() {
            sleep(Duration::from_millis(5)).await;
        }
        sleep(Duration::from_secs(LEASE_TTL) + Duration::from_millis(100)).await;
        attempts.push(rival.start(site, &site.server.url()).wait().await);
    }
    attempts.push(attempt.wait().await);
    (attempts, proxy.has_cut(), cut)
}

fn start(site: &Fixture, order: RunSpec, folder: &Path) -> Attempt {
    let url = site.server.url();
    let (before, rest) = url.split_once("host=").unwrap();
    let (_, port) = rest.split_once('&').unwrap();
    let url = format!("{before}host={}&{port}&sslmode=disable", folder.display());
    order.start(site, &url)
}
