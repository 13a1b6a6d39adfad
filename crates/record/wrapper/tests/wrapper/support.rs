//! Shared code of the tests: one database per test with a registered pair.

use std::time::Duration;

use dotwrap_testkit::{TestDatabase, Version};
use dotwrap_wrapper::{
    Builder, CheckDefinition, ConnectionTarget, ContractDefinition, Error, PairCall, RefusalCode,
    ToolDefinition, Wrapper,
    steps::{Leased, Released},
};
use tokio_postgres::Client;

pub(crate) const PRODUCER: &str = "DOT_KG_EXPLAIN";
pub(crate) const VERIFIER: &str = "DOT_KG_EXPLAIN_VERIFY";
pub(crate) const CANDIDATE: &str = "PROC-CAND:dot:kg";

/// A database with the contract and one pair, and a wrapper that may do everything in it.
pub(crate) async fn installed() -> (TestDatabase, Wrapper) {
    let database = TestDatabase::create(Version::V15).await;
    let wrapper = builder(&database).build().await.unwrap();
    wrapper
        .import_tools(&pair(PRODUCER, VERIFIER), None)
        .await
        .unwrap();
    (database, wrapper)
}

/// A database in which the pair may run for real.
pub(crate) async fn ready() -> (TestDatabase, Wrapper) {
    let (database, wrapper) = installed().await;
    for dot_code in [PRODUCER, VERIFIER] {
        let contract = ContractDefinition {
            dot_code: dot_code.to_owned(),
            mode: "REAL_RUN".to_owned(),
            endpoint_ref: Some("command:true".to_owned()),
            ..ContractDefinition::default()
        };
        wrapper.set_contract(&contract, None, None).await.unwrap();
    }
    open_gates(&wrapper, true).await;
    (database, wrapper)
}

/// A wrapper that may do everything, to be described further.
pub(crate) fn builder(database: &TestDatabase) -> Builder {
    Wrapper::builder()
        .target(target(database, database.owner()))
        .actor("tester")
}

/// A wrapper that logs in as a role.
pub(crate) async fn wrapper_as(database: &TestDatabase, role: &str) -> Wrapper {
    builder(database)
        .target(target(database, role))
        .build()
        .await
        .unwrap()
}

pub(crate) fn target(database: &TestDatabase, role: &str) -> ConnectionTarget {
    ConnectionTarget::parse(&database.url_as(role)).unwrap()
}

/// The two DOTs of a pair, each naming the other; the producer counts for [`CANDIDATE`].
pub(crate) fn pair(producer: &str, verifier: &str) -> [ToolDefinition; 2] {
    let tool = |code: &str, other: &str, role: &str| ToolDefinition {
        dot_code: code.to_owned(),
        name: code.to_lowercase(),
        tier: "A".to_owned(),
        paired_dot: Some(other.to_owned()),
        pair_role: Some(role.to_owned()),
        extra_metadata: (role == "producer")
            .then(|| serde_json::json!({ "process_candidate_code": CANDIDATE })),
        ..ToolDefinition::default()
    };
    [
        tool(producer, verifier, "producer"),
        tool(verifier, producer, "verifier"),
    ]
}

pub(crate) fn call() -> PairCall {
    PairCall::new(PRODUCER, CANDIDATE)
}

/// The code that a call was refused with.
pub(crate) fn code<T: std::fmt::Debug>(outcome: Result<T, Error>) -> RefusalCode {
    match outcome {
        Err(Error::Refused(refusal)) => refusal.code,
        other => panic!("expected a refusal, not {other:?}"),
    }
}

/// One number that a query answers with.
pub(crate) async fn count(client: &Client, query: &str) -> i64 {
    client.query_one(query, &[]).await.unwrap().get(0)
}

/// How many rows a table of the contract has.
pub(crate) async fn row_count(client: &Client, table: &str) -> i64 {
    count(client, &format!("SELECT count(*) FROM dot.{table}")).await
}

/// The sessions of this database that sleep.
pub(crate) const SLEEPING_SESSIONS: &str = "SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event = 'PgSleep'";

/// Repeats a query until its number is as expected.
pub(crate) async fn until(client: &Client, query: &str, is_expected: impl Fn(i64) -> bool) {
    while !is_expected(count(client, query).await) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Registers a check that evaluates this SQL expression and finds nothing.
pub(crate) async fn register_check(
    database: &TestDatabase,
    wrapper: &Wrapper,
    name: &str,
    expression: &str,
) {
    let function = format!("public.{name}");
    let create = format!(
        "CREATE FUNCTION {function}() RETURNS bigint LANGUAGE plpgsql AS
         $$ BEGIN PERFORM {expression}; RETURN 0; END $$"
    );
    let owner = database.owner_client().await;
    owner.batch_execute(&create).await.unwrap();
    let check = CheckDefinition::new(name, function);
    wrapper.set_check(&check).await.unwrap();
}

/// Registers the check `hangs`, which sleeps for ten minutes.
pub(crate) async fn register_hanging_check(database: &TestDatabase, wrapper: &Wrapper) {
    register_check(database, wrapper, "hangs", "pg_sleep(600)").await;
}

/// Records the header and both components under the lease, and releases it.
pub(crate) async fn finish_steps(leased: Leased) -> Result<Released, Error> {
    let header = leased.observe_run().await?;
    let produced = header.observe_producer().await?;
    produced.observe_verifier().await?.release().await
}

/// Opens the gates that let everything through, or all but the real runs', and registers the candidate that real runs
/// need.
pub(crate) async fn open_gates(wrapper: &Wrapper, real_runs: bool) {
    use dotwrap_wrapper::{GateSetting, gate};
    let settings = [
        (gate::OPERATOR_RUNTIME_ENABLED, true),
        (gate::EXECUTE_ENABLED, true),
        (gate::REAL_RUN_ENABLED, real_runs),
        (gate::DRY_RUN_ONLY, !real_runs),
    ];
    wrapper
        .set_candidate(&CANDIDATE.into(), None, None, None)
        .await
        .unwrap();
    for (key, value) in settings {
        wrapper
            .set_gate(&GateSetting::new(key, value, "a test"))
            .await
            .unwrap();
    }
}
