//! A contract and a fixture as the database returns them.
//!
//! Test programs include this file by its path, because it needs the wrapper: the wrapper's tests use the testkit, so
//! the testkit cannot depend on the wrapper.

use dotwrap_invoke::Digest;
use dotwrap_testkit::{TestDatabase, Version};
use dotwrap_wrapper::{
    ConnectionTarget, Contract, ContractDefinition, Fixture, ToolDefinition, Wrapper,
};
use tokio::runtime::Runtime;

/// Registers the DOT of the contract as a producer with a verifier. Sets the contract, stores a fixture with this body,
/// and returns both as the database has them.
pub(crate) fn registered(
    version: Version,
    contract: ContractDefinition,
    fixture: &'static str,
) -> (Contract, Fixture) {
    let registering = move || {
        Runtime::new()
            .unwrap()
            .block_on(register(version, &contract, fixture))
    };
    // Not in the test's own runtime, which may be waiting for this very call.
    std::thread::spawn(registering).join().unwrap()
}

async fn register(
    version: Version,
    contract: &ContractDefinition,
    fixture: &str,
) -> (Contract, Fixture) {
    let database = TestDatabase::create(version).await;
    let wrapper = Wrapper::builder()
        .target(ConnectionTarget::parse(&database.url_as(database.owner())).unwrap())
        .actor("tester")
        .build()
        .await
        .unwrap();
    let (producer, verifier) = (&contract.dot_code, format!("{}_VERIFY", contract.dot_code));
    let pair = [
        tool(producer, &verifier, "producer"),
        tool(&verifier, producer, "verifier"),
    ];
    wrapper.import_tools(&pair, None).await.unwrap();
    if let Some(candidate) = &contract.candidate_code {
        let candidate = candidate.parse().unwrap();
        let set = wrapper.set_candidate(&candidate, None, None, None);
        set.await.unwrap();
    }
    wrapper.set_contract(contract, None, None).await.unwrap();
    let digest = Digest::of(fixture).to_hex();
    let put = wrapper.put_fixture("fixture", fixture, &digest, None);
    put.await.unwrap();
    (
        wrapper.contracts_with_values().await.unwrap().remove(0),
        wrapper.fixtures().await.unwrap().remove(0),
    )
}

fn tool(code: &str, other: &str, role: &str) -> ToolDefinition {
    ToolDefinition {
        dot_code: code.to_owned(),
        name: code.to_owned(),
        tier: "A".to_owned(),
        paired_dot: Some(other.to_owned()),
        pair_role: Some(role.to_owned()),
        ..ToolDefinition::default()
    }
}
