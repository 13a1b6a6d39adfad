//! Shared code of the tests: one database per test with a registered pair.

use dotwrap_testkit::{TestDatabase, Version};
use dotwrap_wrapper::{
    Builder, ConnectionTarget, Error, PairCall, RefusalCode, ToolDefinition, Wrapper,
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
