//! Contracts: the endpoint and the parameters of a DOT's calls in a mode.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::{
    Wrapper,
    database::{Call, Value, row},
    error::Error,
    types::{Actor, ComponentRole, DotCode},
};

row! {
    /// The contract of one DOT in one mode.
    #[derive(Deserialize)]
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
    }
}

/// A contract to set. Omitted members take the contract's defaults; the database checks the rest.
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
}

impl Wrapper {
    /// Every contract, by DOT and mode. The values of its variables are hidden.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn contracts(&self) -> Result<Vec<Contract>, Error> {
        self.database
            .view("v_dot_contract", "ORDER BY dot_code, mode", Vec::new())
            .await
    }

    /// The contracts of one DOT, by mode. The values of their variables are hidden.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn contracts_of(&self, dot_code: &DotCode) -> Result<Vec<Contract>, Error> {
        let of_dot = "WHERE dot_code = $1 ORDER BY mode";
        self.database
            .view("v_dot_contract", of_dot, vec![Value::from(dot_code)])
            .await
    }

    /// Every contract, by DOT and mode, with the values of its variables, which readers are not shown.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] for a login that is neither runner nor operator.
    pub async fn contracts_with_values(&self) -> Result<Vec<Contract>, Error> {
        self.database
            .view("v_dot_contract_call", "ORDER BY dot_code, mode", Vec::new())
            .await
    }

    /// The contracts of one DOT as they are called, by mode, with the values of their variables. One that can not be
    /// decoded is an error: a placeholder is never called.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] for a login that is neither runner nor operator.
    pub async fn contracts_to_call_of(&self, dot_code: &DotCode) -> Result<Vec<Contract>, Error> {
        let of_dot = "WHERE dot_code = $1 ORDER BY mode";
        self.database
            .view_whole("v_dot_contract_call", of_dot, vec![Value::from(dot_code)])
            .await
    }

    /// Sets a contract, or changes it. Returns what it was set for.
    ///
    /// # Errors
    /// Refused as `unknown_dot`, `mode_invalid`, `role_invalid`, `namespace_forbidden`, `endpoint_missing`,
    /// `fixture_missing` or `contract_invalid`; [`Error::NotPermitted`] for a login that is no operator.
    pub async fn set_contract(
        &self,
        contract: &ContractDefinition,
        actor: Option<&Actor>,
    ) -> Result<String, Error> {
        let contract =
            serde_json::to_value(contract).map_err(|error| Error::Answer(error.to_string()))?;
        let call = Call::to("fn_dot_contract_set")
            .with("p_contract", contract)
            .with("p_actor", self.actor_or_default(actor))
            .idempotent();
        self.database.value(&call).await
    }

    /// Retires the contract of a DOT in a mode: nothing is called by it any more. False: it was retired already.
    ///
    /// # Errors
    /// Refused as `unknown_dot`, `mode_invalid`, `contract_missing`, `actor_required` or `busy`;
    /// [`Error::NotPermitted`] for a login that is no operator.
    pub async fn retire_contract(
        &self,
        dot_code: &DotCode,
        mode: &str,
        reason: Option<&str>,
        actor: Option<&Actor>,
    ) -> Result<bool, Error> {
        let call = Call::to("fn_dot_contract_retire")
            .with("p_dot_code", dot_code)
            .with("p_mode", mode)
            .with("p_actor", self.actor_or_default(actor))
            .with("p_reason", reason)
            .idempotent();
        self.database.value(&call).await
    }
}
