//! `kill -9` of `dotwrap worker`, which has several runs in flight, and sometimes of PostgreSQL with it.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::process::Child;
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use super::postgresql::kill;
use super::{Campaign, Stats};
use crate::fixture::{CommandOutput, Fixture, LEASE_TTL, WAIT_TIMEOUT, word};
use crate::invariants::Violations;
use crate::ledger::{Ledger, Request};
use crate::plan::Plan;
use crate::recovery::aftermath;
use crate::tools::{self, CANDIDATE, PAIRS};

const OURS: Campaign = Campaign::Worker;

/// The number of requests per round.
const REQUESTS: usize = 5;

pub(super) async fn run(plan: &Plan) -> Stats {
    let mut site = Fixture::new().await;
    let mut tally = Stats::default();
    let mut finished = BTreeMap::new();
    for round in plan.rounds.clone() {
        let mut dice = plan.rng(OURS, round);
        let first = dice.usize(..PAIRS);
        let asked = join_all((0..REQUESTS).map(|number| {
            let key = format!("worker-{round}-{number}");
            ask(&site, (first + number) % PAIRS, key)
        }));
        let asked = asked.await;
        let (mut worker, mut said) = start(&site, &["--jobs", "3"]);
        let calls = dice.usize(..2 * REQUESTS);
        let and = Duration::from_millis(dice.u64(..150));
        let in_time = called(&site, &mut worker, calls).await;
        sleep(and).await;
        let mut what = format!("killed after {calls} calls and {and:?}");
        let mut survives = false;
        if dice.u8(..3) == 0 {
            let (victim, away) = kill(&mut dice);
            survives = dice.bool();
            what += &format!(", with {victim:?} for {away:?}, survives: {survives}");
            site.server.kill_9(victim, &mut dice);
            sleep(away).await;
        }
        if !survives {
            worker.kill().await.unwrap();
        }
        site.server.restart().await;
        tally.crash(in_time);
        let more = finish(&site).await;
        said.messages_of(more);
        if survives {
            worker.kill().await.unwrap();
        }
        let (mut complaints, found) = aftermath(&site, &[]).await;
        tally.add(found);
        let client = site.server.client().await;
        let ledger = Ledger::read(&client).await;
        complaints.extend(of_requests(&ledger, &asked, &mut finished));
        complaints.extend(said.complaints(&ledger));
        for id in &asked {
            let run = ledger.requests.get(id).and_then(|request| request.run);
            let conclusion = run.and_then(|run| ledger.runs.get(&run)?.conclusion.clone());
            let state = match conclusion.as_ref().map(|it| it.status.as_str()) {
                Some("completed") => "whole",
                Some("stuck") => "stuck",
                _ => "failed or called off",
            };
            *tally.found.entry(state).or_default() += 1;
        }
        OURS.expect_none(plan, &[round], &what, &complaints);
    }
    tally
}

/// The output of all workers.
struct Words(Vec<CommandOutput>);

fn start(site: &Fixture, words: &[&str]) -> (Child, Words) {
    let ttl = LEASE_TTL.to_string();
    let fixed = ["worker", "--lease-ttl", &ttl, "--runs-folder", "runs"];
    let (mut command, said) = site.command(&[&fixed, words].concat(), &site.server.url());
    (command.spawn().unwrap(), Words(vec![said]))
}

/// Requests a run, and returns the acknowledged request.
async fn ask(site: &Fixture, pair: usize, key: String) -> Uuid {
    let (producer, input) = (tools::producer(pair), site.input());
    let words = [
        "requests",
        "add",
        &producer,
        "--mode",
        "real-run",
        "--candidate",
        CANDIDATE,
        "--key",
        &key,
        "--input",
        word(&input),
        "--output",
        "json",
    ];
    let request = site.call(&words).await.json().unwrap();
    request["request_id"].as_str().unwrap().parse().unwrap()
}

/// Waits for a number of new calls. Returns false where the worker ended before.
async fn called(site: &Fixture, worker: &mut Child, calls: usize) -> bool {
    let before = site.calls().0.len();
    let begun = Instant::now();
    while site.calls().0.len() < before + calls {
        assert!(begun.elapsed() < WAIT_TIMEOUT, "the worker does not work");
        if !matches!(worker.try_wait(), Ok(None)) {
            return false;
        }
        sleep(Duration::from_millis(3)).await;
    }
    true
}

/// Lets two other workers finish the remaining requests.
async fn finish(site: &Fixture) -> Words {
    let mut said = Words(Vec::new());
    let client = site.server.client().await;
    let left = "SELECT count(*) FROM dot.dot_run_request WHERE state IN ('waiting', 'claimed')";
    let begun = Instant::now();
    loop {
        let (first, second) = (start(site, &["--once"]), start(site, &["--once"]));
        for (mut worker, words) in [first, second] {
            timeout(WAIT_TIMEOUT, worker.wait()).await.unwrap().unwrap();
            said.messages_of(words);
        }
        let left: i64 = client.query_one(left, &[]).await.unwrap().get(0);
        if left == 0 {
            return said;
        }
        assert!(
            begun.elapsed() < WAIT_TIMEOUT,
            "{left} requests are never finished"
        );
        sleep(Duration::from_millis(300)).await;
    }
}

/// Each request was finished once with its own run, and did not change afterwards.
fn of_requests(
    ledger: &Ledger,
    asked: &[Uuid],
    finished: &mut BTreeMap<Uuid, Request>,
) -> Violations {
    let mut complaints = Vec::new();
    for id in asked {
        let Some(request) = ledger.requests.get(id) else {
            complaints.push(format!("the request {id} is gone"));
            continue;
        };
        let own = ledger.run_of(&format!("request:{id}"));
        let is_concluded = request.state == "finished"
            && request.outcome.as_deref() == Some("concluded")
            && request.run.is_some()
            && request.run == own;
        if !is_concluded {
            complaints.push(format!(
                "the request {id}, whose run is {own:?}: {request:?}"
            ));
        }
        finished.insert(*id, request.clone());
    }
    for (id, request) in finished {
        if ledger.requests.get(id) != Some(request) {
            complaints.push(format!("the request {id} has changed: it was {request:?}"));
        }
    }
    complaints
}

impl Words {
    fn messages_of(&mut self, more: Self) {
        self.0.extend(more.0);
    }

    /// A worker does not panic, and each run that it reports as concluded is concluded.
    fn complaints(&self, ledger: &Ledger) -> Violations {
        let mut complaints = Vec::new();
        for said in &self.0 {
            let text = said.of_messages();
            if text.contains("panicked") {
                complaints.push(text.clone());
            }
            for line in text.lines() {
                let Some((_, run)) = line.split_once(": concluded as run ") else {
                    continue;
                };
                let run: Option<Uuid> = run.trim().parse().ok();
                let is_there = run.is_some_and(|run| {
                    ledger
                        .runs
                        .get(&run)
                        .is_some_and(|run| run.conclusion.is_some())
                });
                if !is_there {
                    complaints.push(format!("a worker said: {line}"));
                }
            }
        }
        complaints
    }
}
