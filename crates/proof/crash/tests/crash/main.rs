//! A small number of random crashes; the seed is printed. `DOTWRAP_CRASH_SEED` repeats them (with
//! `DOTWRAP_CRASH_MESSAGES` for the connection), `DOTWRAP_CRASH_ROUNDS` sets the number. The program of this crate runs
//! hundreds.

use dotwrap_crash::{Campaign, Plan, Stats};

async fn crash(campaign: Campaign, rounds: usize) -> Stats {
    campaign
        .run(&Plan::from_environment(campaign, rounds))
        .await
}

/// A crash after the run's end tests nothing: at least a third must hit their intended point. The rest are runs that
/// ended in another way before.
fn assert_in_time(tally: &Stats) {
    assert!(3 * tally.in_time >= tally.crashes, "{tally}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_dotwrap_leaves_a_consistent_ledger_and_no_process() {
    let tally = crash(Campaign::Dotwrap, 16).await;
    assert_in_time(&tally);
    // Otherwise nothing was tested. Fewer rounds do not cover every step.
    if tally.crashes >= 10 {
        assert!(tally.orphans > 0, "{tally}");
        for state in ["producer's call open", "verifier's call open"] {
            assert!(tally.count(state) > 0, "{tally}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_of_a_killed_worker_are_finished_once_by_others() {
    let tally = crash(Campaign::Worker, 4).await;
    assert_in_time(&tally);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_postgresql_keeps_every_acknowledged_commit() {
    let tally = crash(Campaign::Postgresql, 6).await;
    assert_in_time(&tally);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connection_cut_at_any_message_leaves_a_consistent_ledger() {
    let tally = crash(Campaign::Connection, 24).await;
    assert!(tally.in_time > tally.crashes / 2, "{tally}");
}
