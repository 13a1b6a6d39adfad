//! Contracts: what is called for a DOT in a mode, and what it may do.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::{ComponentRole, DotCode};

/// The contract of one DOT in one mode.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contract {
    /// The DOT.
    pub dot_code: DotCode,
    /// `PLAN_ONLY`, `VERIFY_ONLY`, `DRY_RUN` or `REAL_RUN`.
    pub mode: String,
    /// The candidate that it serves.
    pub candidate_code: Option<String>,
    /// What is done, in a word.
    pub operation: String,
    /// Which part of its pair the DOT is.
    pub role: ComponentRole,
    /// The fixture that it is given.
    pub fixture_ref: Option<String>,
    /// Where its output goes.
    pub output_namespace: Option<String>,
    /// Whether it promises to change nothing.
    pub no_mutation_assertion: bool,
    /// What is called: `command:…`, `https://…` or `mcp:…`.
    pub endpoint_ref: Option<String>,
    /// How it is called.
    pub invocation: Json,
    /// The shape of its output.
    pub expected_output_schema: Option<Json>,
    /// The shape of its verifier's output.
    pub verifier_schema: Option<Json>,
    /// How long a call may take, in milliseconds.
    pub timeout_ms: i32,
    /// `draft`, `active` or `retired`.
    pub contract_status: String,
    /// When it was set first.
    pub created_at: Timestamp,
    /// Whether another call is harmless although nobody knows how the last one ended.
    #[serde(default)]
    pub may_repeat: bool,
    /// How many attempts one key allows.
    #[serde(default = "default_max_attempts")]
    pub max_attempts: i32,
    /// The labels that a worker needs to claim a request for it.
    #[serde(default)]
    pub requires: Vec<String>,
    /// Its digest, by which a receipt names it.
    #[serde(default)]
    pub contract_sha256: String,
}

fn default_max_attempts() -> i32 {
    10
}

/// A contract that is to be set. What is left out takes the contract's default; the database judges the
/// rest.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ContractDefinition {
    /// The DOT.
    pub dot_code: String,
    /// `PLAN_ONLY`, `VERIFY_ONLY`, `DRY_RUN` or `REAL_RUN`.
    pub mode: String,
    /// The candidate that it serves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub candidate_code: Option<String>,
    /// What is done, in a word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// `producer` or `verifier`; the registry's unless said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// The fixture that it is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixture_ref: Option<String>,
    /// Where its output goes; `DRYRUN-NS:…` below `REAL_RUN`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_namespace: Option<String>,
    /// Whether it promises to change nothing; it has to below `REAL_RUN`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_mutation_assertion: Option<bool>,
    /// What is called: `command:…`, `https://…` or `mcp:…`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint_ref: Option<String>,
    /// How it is called, an object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invocation: Option<Json>,
    /// The shape of its output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected_output_schema: Option<Json>,
    /// The shape of its verifier's output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verifier_schema: Option<Json>,
    /// How long a call may take, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<i32>,
    /// `draft`, `active` or `retired`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contract_status: Option<String>,
    /// Whether another call is harmless although nobody knows how the last one ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub may_repeat: Option<bool>,
    /// How many attempts one key allows, 10 unless said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<i32>,
    /// The labels that a worker needs to claim a request for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requires: Option<Vec<String>>,
}
