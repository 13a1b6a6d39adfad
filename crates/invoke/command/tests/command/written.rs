//! A contract and a fixture as the database returns them.

use std::sync::LazyLock;

use dotwrap_testkit::Version;
use dotwrap_wrapper::{Contract, ContractDefinition, Fixture};
use serde_json::json;

use crate::registered::registered;

pub(crate) const DOT: &str = "DOT_TEST";
const BODY: &str = r#"{"target": "n1"}"#;

/// Each test changes its own copy.
static WRITTEN: LazyLock<(Contract, Fixture)> = LazyLock::new(|| {
    let definition = ContractDefinition {
        dot_code: DOT.to_owned(),
        mode: "DRY_RUN".to_owned(),
        candidate_code: Some("PROC-CAND:test".to_owned()),
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
    registered(Version::V15, definition, BODY)
});

pub(crate) fn contract() -> Contract {
    WRITTEN.0.clone()
}

pub(crate) fn fixture() -> Fixture {
    WRITTEN.1.clone()
}
