//! Entries of the registry: a tool and a contract.

use serde_json::{Value, json};

use crate::common::fixtures::PRODUCER;
use crate::common::{Call, literal};

pub(super) fn tool(code: &str, pair: Option<(&str, &str)>) -> Value {
    json!({"dot_code": code, "name": code, "tier": "A", "paired_dot": pair.map(|pair| pair.0), "pair_role": pair.map(|pair| pair.1)})
}

pub(super) fn contract(change: impl FnOnce(&mut Value)) -> Call {
    let mut contract = json!({"dot_code": PRODUCER, "mode": "DRY_RUN", "endpoint_ref": "command:backup --dry-run", "no_mutation_assertion": true, "output_namespace": "DRYRUN-NS:x"});
    change(&mut contract);
    Call::new("fn_dot_contract_set")
        .with(
            "p_contract",
            format!("{}::jsonb", literal(&contract.to_string())),
        )
        .text("p_actor", "operator")
}
