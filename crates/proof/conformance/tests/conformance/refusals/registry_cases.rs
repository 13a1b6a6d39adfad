//! Refusals of registry entries: tools, contracts, fixtures, checks, candidates and event types.

use serde_json::json;

use super::case::{Case, case};
use crate::common::fixtures::{PRODUCER, import};
use crate::common::{Call, literal};

fn contract(fields: serde_json::Value) -> String {
    Call::new("fn_dot_contract_set")
        .with(
            "p_contract",
            format!("{}::jsonb", literal(&fields.to_string())),
        )
        .text("p_actor", "operator")
        .sql()
}

/// Calls that would write an invalid registry entry.
pub(super) fn registry_cases() -> Vec<Case> {
    let check = Call::new("fn_dot_preflight_check_set")
        .text("p_check_name", "c")
        .text("p_count_query", "dot.nowhere")
        .text("p_actor", "a");
    let fixture = Call::new("fn_dot_fixture_put")
        .text("p_fixture_ref", "f")
        .text("p_body", "{}")
        .text("p_sha256", "0")
        .text("p_actor", "a");
    let dry_contract = || json!({"dot_code": PRODUCER, "mode": "DRY_RUN", "no_mutation_assertion": true, "output_namespace": "DRYRUN-NS:x", "endpoint_ref": "mcp:x"});
    let changed = |key: &str, value: serde_json::Value| {
        let mut fields = dry_contract();
        fields[key] = value;
        contract(fields)
    };
    vec![
        case("mode_invalid", "operator", changed("mode", json!("MAYBE"))),
        case(
            "candidate_unknown",
            "operator",
            Call::new("fn_process_candidate_pair_set")
                .text("p_process_candidate_code", "nobody")
                .text("p_dot_code", PRODUCER)
                .text("p_actor", "a")
                .sql(),
        ),
        case(
            "fixture_missing",
            "operator",
            changed("fixture_ref", json!("nowhere")),
        ),
        case("fixture_digest_mismatch", "operator", fixture.sql()),
        case(
            "namespace_forbidden",
            "operator",
            changed("output_namespace", json!("PROD")),
        ),
        case(
            "endpoint_missing",
            "operator",
            changed("endpoint_ref", serde_json::Value::Null),
        ),
        case("tool_invalid", "operator", import(&json!([{}])).sql()),
        case("check_invalid", "operator", check.sql()),
        case(
            "contract_invalid",
            "operator",
            changed("surprise", json!(1)),
        ),
        case(
            "event_type_unknown",
            "operator",
            crate::events::switch("process.nowhere", true),
        ),
    ]
}
