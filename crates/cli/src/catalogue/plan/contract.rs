//! What becomes of a contract: the rules of `fn_dot_contract_set`, and what differs from what is bound now.

use std::collections::{BTreeMap, BTreeSet};

use dotwrap_wrapper::{Contract, ContractDefinition, Fixture, Tool};
use serde_json::{Value, json};

use super::refused::{Refused, rule, short_enough};
use super::{Change, Kind, differing};
use crate::catalogue::Catalogue;

const MODES: [&str; 4] = ["PLAN_ONLY", "VERIFY_ONLY", "DRY_RUN", "REAL_RUN"];
const SCHEMES: [&str; 3] = ["command:", "https://", "mcp:"];
const STATUSES: [&str; 3] = ["draft", "active", "retired"];

/// What a contract can refer to once the catalogue's tools and fixtures are registered.
pub(super) struct Known {
    /// The part that each tool is of its pair.
    roles: BTreeMap<String, Option<String>>,
    fixtures: BTreeSet<String>,
}

impl Known {
    pub(super) fn of(catalogue: &Catalogue, tools: &[Tool], fixtures: &[Fixture]) -> Self {
        let role = |tool: &Tool| tool.pair_role.map(|role| role.to_string());
        let mut roles: BTreeMap<_, _> = tools
            .iter()
            .map(|tool| (tool.dot_code.to_string(), role(tool)))
            .collect();
        let named = super::said(&catalogue.tools);
        roles.extend(named.map(|tool| (tool.dot_code.clone(), tool.pair_role.clone())));
        let kept = fixtures.iter().map(|fixture| &fixture.fixture_ref);
        let named = super::said(&catalogue.fixtures).map(|fixture| &fixture.fixture_ref);
        Self {
            roles,
            fixtures: kept.chain(named).cloned().collect(),
        }
    }

    fn role_of(&self, dot_code: &str) -> Result<&str, Refused> {
        let role = self
            .roles
            .get(dot_code)
            .ok_or_else(|| Refused::new("unknown_dot", format!("there is no DOT '{dot_code}'")))?;
        role.as_deref()
            .ok_or_else(|| Refused::new("pair_incomplete", format!("{dot_code} has no pair")))
    }
}

pub(super) fn change(contract: &ContractDefinition, known: &Known, bound: &[Contract]) -> Change {
    let there = bound
        .iter()
        .find(|there| there.dot_code.as_ref() == contract.dot_code && there.mode == contract.mode);
    let found = Change::found(
        Kind::Contract,
        format!("{} {}", contract.dot_code, contract.mode),
        judged(contract, known),
        there.map(|there| differences(contract, known, there)),
    );
    Change {
        dot_code: Some(contract.dot_code.clone()),
        ..found
    }
}

/// Holds the rules in the database's order.
fn judged(contract: &ContractDefinition, known: &Known) -> Result<(), Refused> {
    short_enough(
        200,
        &[("candidate_code", contract.candidate_code.as_deref())],
    )?;
    let texts = [
        ("operation", contract.operation.as_deref()),
        ("output_namespace", contract.output_namespace.as_deref()),
        ("endpoint_ref", contract.endpoint_ref.as_deref()),
    ];
    short_enough(2000, &texts)?;
    let (dot_code, mode) = (&contract.dot_code, contract.mode.as_str());
    let role = known.role_of(dot_code)?;
    rule(MODES.contains(&mode), "mode_invalid", || {
        format!("there is no mode '{mode}'")
    })?;
    let asked = contract.role.as_deref().unwrap_or(role);
    rule(asked == role, "role_invalid", || {
        format!("{dot_code} is a {role}")
    })?;
    rule(keeps_apart(contract), "namespace_forbidden", || {
        format!("a {mode} contract asserts no mutation and writes to a DRYRUN-NS: namespace")
    })?;
    rule(has_endpoint(contract), "endpoint_missing", || {
        let given = contract.endpoint_ref.as_deref();
        let given = given.map(|given| format!(", and \"{given}\" is none"));
        format!(
            "a {mode} contract needs an endpoint_ref{}",
            given.unwrap_or_default()
        )
    })?;
    let fixture = contract.fixture_ref.as_ref();
    rule(
        fixture.is_none_or(|fixture| known.fixtures.contains(fixture)),
        "fixture_missing",
        || {
            format!(
                "there is no fixture '{}'",
                fixture.map_or("", String::as_str)
            )
        },
    )?;
    rule(has_its_shape(contract), "contract_invalid", || {
        "invocation is an object, timeout_ms is positive, contract_status is draft, active or retired, \
         a schema is an object or a boolean"
            .to_owned()
    })
}

fn keeps_apart(contract: &ContractDefinition) -> bool {
    let namespace = contract.output_namespace.as_deref().unwrap_or_default();
    contract.mode == "REAL_RUN"
        || (contract.no_mutation_assertion == Some(true) && namespace.starts_with("DRYRUN-NS:"))
}

fn has_endpoint(contract: &ContractDefinition) -> bool {
    let endpoint = contract.endpoint_ref.as_deref().unwrap_or_default();
    let is_called = ["DRY_RUN", "REAL_RUN"].contains(&contract.mode.as_str());
    let mut targets = SCHEMES
        .iter()
        .filter_map(|scheme| endpoint.strip_prefix(scheme));
    !is_called || targets.any(|target| !target.trim().is_empty())
}

fn has_its_shape(contract: &ContractDefinition) -> bool {
    let status = contract.contract_status.as_deref().unwrap_or("active");
    let schemas = [&contract.expected_output_schema, &contract.verifier_schema];
    contract.invocation.as_ref().is_none_or(Value::is_object)
        && contract.timeout_ms.is_none_or(|limit| limit > 0)
        && STATUSES.contains(&status)
        && schemas
            .into_iter()
            .flatten()
            .all(|schema| schema.is_object() || schema.is_boolean())
}

/// The columns in which a contract, its defaults filled in, differs from what is bound.
fn differences(
    contract: &ContractDefinition,
    known: &Known,
    there: &Contract,
) -> Vec<&'static str> {
    let nothing = json!({});
    let text = |text: &Option<String>, default: &str| text.as_deref().unwrap_or(default).to_owned();
    let role = known.role_of(&contract.dot_code).unwrap_or_default();
    differing([
        (
            "candidate_code",
            contract.candidate_code != there.candidate_code,
        ),
        (
            "operation",
            text(&contract.operation, "") != there.operation,
        ),
        ("role", role != there.role.as_ref()),
        ("fixture_ref", contract.fixture_ref != there.fixture_ref),
        (
            "output_namespace",
            contract.output_namespace != there.output_namespace,
        ),
        (
            "no_mutation_assertion",
            contract.no_mutation_assertion.unwrap_or(false) != there.no_mutation_assertion,
        ),
        ("endpoint_ref", contract.endpoint_ref != there.endpoint_ref),
        (
            "invocation",
            *contract.invocation.as_ref().unwrap_or(&nothing) != there.invocation,
        ),
        (
            "expected_output_schema",
            contract.expected_output_schema != there.expected_output_schema,
        ),
        (
            "verifier_schema",
            contract.verifier_schema != there.verifier_schema,
        ),
        (
            "timeout_ms",
            contract.timeout_ms.unwrap_or(60_000) != there.timeout_ms,
        ),
        (
            "contract_status",
            text(&contract.contract_status, "active") != there.contract_status,
        ),
    ])
}
