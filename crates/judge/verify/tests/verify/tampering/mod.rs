//! Each tampering by a superuser or owner is found by exactly its checks.

mod conclusions;
mod events;
mod evidence;
mod guards;
mod keys;
mod registry;
mod requests;
mod runs;
mod views;

use std::collections::BTreeSet;
use std::sync::Arc;

use dotwrap_testkit::{TestDatabase, Version};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::support::{each_on_its_own, findings, judge, used_ledger, with_names};

/// One lie.
pub(crate) struct Lie {
    /// What it is.
    pub(crate) told: &'static str,
    /// How a superuser tells it; a line of dashes between two transactions.
    pub(crate) sql: &'static str,
    /// Each check that notices it, with text that one of its findings contains. No other check does.
    pub(crate) noticed: &'static [(&'static str, &'static str)],
}

/// What compares the schema with the release as a whole notices every change of it, beside the rule that is about that
/// change. So do the questions that would read what was changed, and are not asked.
const OF_THE_WHOLE_SCHEMA: [&str; 3] = [
    "objects_are_the_releases",
    "objects_beyond_the_release",
    "rights_are_the_declared",
];

/// Lies in the rows.
const ROWS: [&[Lie]; 7] = [
    runs::LIES,
    conclusions::LIES,
    evidence::LIES,
    requests::LIES,
    keys::LIES,
    registry::LIES,
    events::LIES,
];
/// Lies in the schema, of which each version of PostgreSQL has its own catalogue.
const SCHEMA: [&[Lie]; 2] = [views::LIES, guards::LIES];

fn all() -> impl Iterator<Item = &'static Lie> {
    ROWS.into_iter().chain(SCHEMA).flatten()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_tampering_is_found_by_exactly_its_checks() {
    tell(all(), Version::V15).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_schema_tampering_is_found_by_exactly_its_checks_on_18() {
    tell(SCHEMA.into_iter().flatten(), Version::V18).await;
}

#[tokio::test]
async fn each_check_has_a_tampering_that_it_finds() {
    let report = judge(&TestDatabase::create(Version::V15).await).await;
    let noticed = all().flat_map(|lie| lie.noticed);
    // What is told of roles is told on a server of its own: roles are the cluster's.
    let noticed = noticed.map(|(check, _)| *check);
    let noticed: BTreeSet<_> = noticed.chain(["nobody_else_is_the_owner"]).collect();
    let checks: BTreeSet<_> = report.checks.iter().map(|check| check.name).collect();
    assert_eq!(checks, noticed);
}

/// Tells each lie to a ledger of its own, and fails with whatever was not noticed as expected.
async fn tell(lies: impl Iterator<Item = &'static Lie>, version: Version) {
    let at_once = Arc::new(Semaphore::new(4));
    let mut tellings = JoinSet::new();
    for lie in lies {
        let at_once = Arc::clone(&at_once);
        tellings.spawn(async move {
            let _turn = at_once.acquire_owned().await.expect("never closed");
            complaint_about(lie, version).await
        });
    }
    let complaints: Vec<_> = tellings.join_all().await.into_iter().flatten().collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n\n"));
}

/// What is wrong with how a lie is noticed.
async fn complaint_about(lie: &'static Lie, version: Version) -> Option<String> {
    let database = used_ledger(version).await;
    each_on_its_own(&database.superuser().await, lie.sql).await;
    let found = findings(&judge(&database).await);
    let expected: BTreeSet<_> = lie.noticed.iter().map(|(check, _)| *check).collect();
    let exactly = found.keys().copied();
    let exactly: BTreeSet<_> = exactly
        .filter(|check| {
            let is_not_asked = |said: &String| said.contains("the question is not asked");
            let follows =
                OF_THE_WHOLE_SCHEMA.contains(check) || found[check].iter().all(is_not_asked);
            expected.contains(check) || !follows
        })
        .collect();
    let is_named = lie.noticed.iter().all(|(check, text)| {
        let text = with_names(text);
        let said = found.get(check).into_iter().flatten();
        said.into_iter().any(|said| said.contains(&text))
    });
    let is_right = exactly == expected && is_named;
    (!is_right).then(|| {
        format!(
            "{}\n  expected {:?}\n  found {found:#?}",
            lie.told, lie.noticed
        )
    })
}
