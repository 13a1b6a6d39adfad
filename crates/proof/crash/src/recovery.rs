//! Recovery after a crash, and the checks.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::Value as Json;
use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::Client;

use crate::fixture::{Fixture, WAIT_TIMEOUT};
use crate::invariants::{Violations, of_attempt, of_ledger};
use crate::ledger::Ledger;
use crate::processes::{self, Process};
use crate::run_process::Ended;
use crate::tools::Trace;

/// How long the children of a killed process may take to notice. The tools' own grace period is 0.2 seconds.
const CLEANUP_TIMEOUT: Duration = Duration::from_secs(15);

/// The outcomes of the attempts, for a report.
pub(crate) type Found = BTreeMap<&'static str, usize>;

/// Recovers and checks everything after a crash. The server is running, and the attempts have ended.
pub(crate) async fn aftermath(site: &Fixture, attempts: &[Ended]) -> (Violations, Found) {
    let client = site.server.client().await;
    let mut complaints = leftovers(site, attempts).await;
    wait_for_sessions(&client).await;
    site.wait_for_leases(&client).await;
    complaints.extend(succeeds(site, &["reap"]).await);
    let (ledger, trace) = (Ledger::read(&client).await, site.calls());
    complaints.extend(of_ledger(&ledger, &trace));
    attempts
        .iter()
        .for_each(|attempt| complaints.extend(of_attempt(&ledger, attempt)));
    complaints.extend(succeeds(site, &["verify"]).await);
    let mut found = Found::new();
    for attempt in attempts {
        *found.entry(state_of(&ledger, attempt)).or_default() += 1;
    }
    complaints.extend(repeat(site, &client, attempts, &ledger, &trace).await);
    (complaints, found)
}

/// The session of a killed client may still execute its last statement. The server's keeper has its own session.
async fn wait_for_sessions(client: &Client) {
    const QUESTION: &str = "SELECT count(*) FROM pg_stat_activity
        WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
          AND application_name <> 'dotwrap-keeper'";
    let begun = Instant::now();
    loop {
        let others: i64 = client.query_one(QUESTION, &[]).await.unwrap().get(0);
        if others == 0 {
            return;
        }
        assert!(
            begun.elapsed() < WAIT_TIMEOUT,
            "{others} sessions do not end without their clients"
        );
        sleep(Duration::from_millis(20)).await;
    }
}

/// Waits for the processes that killed programs and their tools started.
async fn leftovers(site: &Fixture, attempts: &[Ended]) -> Violations {
    let begun = Instant::now();
    loop {
        let started = attempts.iter().flat_map(|attempt| attempt.started.iter());
        let mut left: Vec<Process> = started.copied().filter(|it| it.is_alive()).collect();
        left.extend(processes::with_variable(&site.mark()));
        if left.is_empty() {
            return Vec::new();
        }
        if begun.elapsed() > CLEANUP_TIMEOUT {
            let complaints = left.iter().map(|process| {
                format!(
                    "still runs: {} {}",
                    process.id,
                    process.command_line().chars().take(80).collect::<String>()
                )
            });
            let complaints = complaints.collect();
            left.into_iter().for_each(Process::kill_9);
            return complaints;
        }
        sleep(Duration::from_millis(30)).await;
    }
}

async fn succeeds(site: &Fixture, words: &[&str]) -> Option<String> {
    let (mut command, said) = site.command(words, &site.server.url());
    let status = timeout(WAIT_TIMEOUT, command.status())
        .await
        .unwrap()
        .unwrap();
    (!status.success()).then(|| format!("{words:?}: {status}: {}", said.text()))
}

/// The progress of an attempt.
fn state_of(ledger: &Ledger, attempt: &Ended) -> &'static str {
    let Some(run) = ledger.runs.get(&attempt.order.run) else {
        return "not begun";
    };
    let is_open =
        |role: &str| run.receipts.contains_key(role) && !run.components.contains_key(role);
    match (is_open("producer"), is_open("verifier")) {
        (true, _) => "producer's call open",
        (_, true) => "verifier's call open",
        _ => match &run.conclusion {
            Some(conclusion) if conclusion.status == "completed" => "whole",
            Some(conclusion) if conclusion.status == "stuck" => "recorded, not concluded",
            _ => "failed or called off",
        },
    }
}

/// Repeats the same calls: a run that was begun is returned without a call, another one may be executed now.
async fn repeat(
    site: &Fixture,
    client: &Client,
    attempts: &[Ended],
    before: &Ledger,
    trace: &Trace,
) -> Violations {
    let again = attempts.iter().map(|attempt| attempt.order.again(site));
    let said = join_all(again).await;
    let (ledger, after) = (Ledger::read(client).await, site.calls());
    let mut complaints = Vec::new();
    for (attempt, said) in attempts.iter().zip(said) {
        let key = &attempt.order.key;
        let record = said.json().unwrap_or(Json::Null);
        let was_there = before.run_of(key);
        let is_so = match was_there {
            Some(run) => {
                record["created"] == false && record["process_run_id"] == run.to_string().as_str()
            }
            // Runs of one pair exclude each other.
            None => record["created"] == true || said.text().contains("lease_held"),
        };
        if !is_so {
            complaints.push(format!(
                "{key} was begun as {was_there:?}, and again: {}",
                said.text()
            ));
        }
    }
    for (called, calls) in &trace.0 {
        if after.0.get(called) != Some(calls) {
            complaints.push(format!("{called:?} was called again"));
        }
    }
    for (id, run) in &before.runs {
        let conclusion = ledger.runs.get(id).map(|it| &it.conclusion);
        if conclusion != Some(&run.conclusion) {
            complaints.push(format!(
                "the conclusion of {id} is another one now: {conclusion:?}"
            ));
        }
    }
    complaints.extend(of_ledger(&ledger, &after));
    complaints
}
