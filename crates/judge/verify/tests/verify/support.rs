//! A ledger after varied use, written through the contract's functions, and the rows of an executed run, written
//! directly.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::SystemTime;

use dotwrap_testkit::{TestDatabase, Version};
use dotwrap_verify::{Report, VerifyOptions, verify};
use tokio_postgres::Client;

/// What operators and observers do, call by call: each its own transaction.
const USE: &str = include_str!("use.sql");
/// What an executed run leaves behind, transaction by transaction.
const EXECUTED_RUN: &str = include_str!("executed_run.sql");

/// Names for what the tests speak of, as `{name}` in their SQL and in what they expect.
const NAMES: [(&str, &str); 20] = [
    // A real run, verified, and its parts.
    ("executed", "0e000000-0000-7000-8000-000000000001"),
    ("executed_producer", "0e000000-0000-7000-8000-00000000000a"),
    ("executed_verifier", "0e000000-0000-7000-8000-00000000000b"),
    ("executed_lease", "0e000000-0000-7000-8000-00000000001e"),
    ("producer_receipt", "{minted}-7000-8000-0000000000ca"),
    ("verifier_receipt", "{minted}-7000-8000-0000000000cb"),
    // A dry run whose verifier answered as a mock.
    ("dry", "0d000000-0000-7000-8000-000000000001"),
    ("dry_producer", "0d000000-0000-7000-8000-00000000000a"),
    ("dry_producer_receipt", "{minted}-7000-8000-0000000001ca"),
    ("dry_verifier_receipt", "{minted}-7000-8000-0000000001cb"),
    // Simulated: a whole pair, and a run step by step.
    ("simulated", "05000000-0000-7000-8000-000000000001"),
    ("stepwise", "05000000-0000-7000-8000-000000000002"),
    ("stepwise_producer", "05000000-0000-7000-8000-00000000002a"),
    ("stepwise_verifier", "05000000-0000-7000-8000-00000000002b"),
    // Headers that nothing follows: one without a DOT, one of a DOT without a pair, one that claims a dry run.
    ("bare_header", "05000000-0000-7000-8000-000000000003"),
    ("lone_header", "05000000-0000-7000-8000-000000000004"),
    ("dry_header", "05000000-0000-7000-8000-000000000005"),
    ("backfilled", "0b000000-0000-7000-8000-000000000001"),
    // What the real run was asked for by, and a request that waits.
    ("request", "0a000000-0000-7000-8000-000000000001"),
    ("waiting_request", "0a000000-0000-7000-8000-000000000002"),
];

/// More names: ids that nothing has, or that a lie makes, and the wrapper's tags on what eve did not execute.
const MORE_NAMES: [(&str, &str); 4] = [
    ("nowhere", "00000000-0000-7000-8000-000000000000"),
    ("made", "{minted}-7000-8000-000000000f01"),
    ("made_too", "{minted}-7000-8000-000000000f02"),
    (
        "tags",
        r#"{"wrapper": "dot_exec_wrapper", "actor": "eve", "posture": "NO_EXECUTE", "no_execute": true}"#,
    ),
];

/// The text with what its names stand for.
pub(crate) fn with_names(text: &str) -> String {
    let names = NAMES.iter().chain(&MORE_NAMES);
    let text = names.fold(text.to_owned(), |text, (name, value)| {
        text.replace(&format!("{{{name}}}"), value)
    });
    text.replace("{minted}", minted())
}

/// The beginning of the ids that the database would mint while these tests run.
fn minted() -> &'static str {
    static MINTED: LazyLock<String> = LazyLock::new(|| {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let milliseconds = now.expect("after 1970").as_millis();
        format!("{:08x}-{:04x}", milliseconds >> 16, milliseconds & 0xffff)
    });
    &MINTED
}

/// A database whose ledger was put to varied use.
pub(crate) async fn used_ledger(version: Version) -> TestDatabase {
    let database = TestDatabase::create(version).await;
    let client = database.superuser().await;
    each_on_its_own(&client, USE).await;
    each_on_its_own(&client, EXECUTED_RUN).await;
    database
}

/// Runs transactions one after the other; a line of dashes is between two.
pub(crate) async fn each_on_its_own(client: &Client, transactions: &str) {
    for transaction in with_names(transactions).split("\n----\n") {
        if let Err(error) = client.batch_execute(transaction).await {
            panic!("{transaction}\n{error:?}");
        }
    }
}

/// What a member of the archiver's role finds.
pub(crate) async fn judge(database: &TestDatabase) -> Report {
    let mut archiver = database.client_as("dot_archiver").await;
    let options = VerifyOptions::default();
    match verify(&mut archiver, &options).await {
        Ok(report) => report,
        Err(error) => panic!("the ledger cannot be judged: {error:?}"),
    }
}

/// The checks that found something, each with the subjects and what is said of them.
pub(crate) fn findings(report: &Report) -> BTreeMap<&'static str, Vec<String>> {
    let failed = report.failed().map(|check| {
        let said = check.violations.iter();
        let said = said.map(|violation| format!("{}: {}", violation.subject, violation.what));
        (check.name, said.collect())
    });
    failed.collect()
}
