//! A contract and a fixture as the database hands them out: only it can make them.

use std::sync::LazyLock;

use dotwrap_testkit::{TestDatabase, Version};
use dotwrap_wrapper::{
    ConnectionTarget, Contract, ContractDefinition, Fixture, ToolDefinition, Wrapper,
};
use serde_json::json;

pub(crate) const DOT: &str = "DOT_TEST";
const VERIFIER: &str = "DOT_TEST_VERIFY";
const CANDIDATE: &str = "PROC-CAND:test";
const BODY: &str = r#"{"target": "n1"}"#;

/// Written once and read once; every test changes its own copy.
static WRITTEN: LazyLock<(Contract, Fixture)> = LazyLock::new(|| {
    // A test's own runtime can not be waited on from inside.
    std::thread::spawn(|| tokio::runtime::Runtime::new().unwrap().block_on(write()))
        .join()
        .unwrap()
});

pub(crate) fn contract() -> Contract {
    WRITTEN.0.clone()
}

pub(crate) fn fixture() -> Fixture {
    WRITTEN.1.clone()
}

async fn write() -> (Contract, Fixture) {
    let database = TestDatabase::create(Version::V15).await;
    let target = ConnectionTarget::parse(&database.url_as(database.owner())).unwrap();
    let wrapper = Wrapper::builder()
        .target(target)
        .actor("tester")
        .build()
        .await
        .unwrap();
    let tools = [
        tool(DOT, VERIFIER, "producer"),
        tool(VERIFIER, DOT, "verifier"),
    ];
    wrapper.import_tools(&tools, None).await.unwrap();
    let candidate = CANDIDATE.parse().unwrap();
    wrapper
        .set_candidate(&candidate, None, None, None)
        .await
        .unwrap();
    let definition = ContractDefinition {
        dot_code: DOT.to_owned(),
        mode: "DRY_RUN".to_owned(),
        candidate_code: Some(CANDIDATE.to_owned()),
        operation: Some("test".to_owned()),
        role: Some("producer".to_owned()),
        output_namespace: Some("DRYRUN-NS:test".to_owned()),
        no_mutation_assertion: Some(true),
        endpoint_ref: Some("command:sh".to_owned()),
        invocation: Some(json!({"argv": []})),
        timeout_ms: Some(60_000),
        contract_status: Some("active".to_owned()),
        ..ContractDefinition::default()
    };
    wrapper.set_contract(&definition, None).await.unwrap();
    let digest = dotwrap_invoke::Digest::of(BODY).to_hex();
    wrapper
        .put_fixture("fixture", BODY, &digest, None)
        .await
        .unwrap();
    let contracts = wrapper.contracts_with_values().await.unwrap();
    let fixtures = wrapper.fixtures().await.unwrap();
    (contracts[0].clone(), fixtures[0].clone())
}

fn tool(code: &str, other: &str, role: &str) -> ToolDefinition {
    ToolDefinition {
        dot_code: code.to_owned(),
        name: code.to_lowercase(),
        tier: "A".to_owned(),
        paired_dot: Some(other.to_owned()),
        pair_role: Some(role.to_owned()),
        ..ToolDefinition::default()
    }
}
