//! Contracts: the endpoint and the parameters of a DOT's calls in a mode.

use crate::{
    Wrapper,
    database::{Call, Value, read_row},
    error::Error,
    types::{Actor, Contract, ContractDefinition, DotCode},
};

read_row!(Contract {
    dot_code,
    mode,
    candidate_code,
    operation,
    role,
    fixture_ref,
    output_namespace,
    no_mutation_assertion,
    endpoint_ref,
    invocation,
    expected_output_schema,
    verifier_schema,
    timeout_ms,
    contract_status,
    created_at,
    may_repeat,
    max_attempts,
    requires,
    contract_sha256
});

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

    /// The contracts of one DOT as they are called, by mode, with the values of their variables. One that cannot be
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

    /// Sets a contract, or changes it. Returns what it was set for. The reason stands in the history.
    ///
    /// # Errors
    /// Refused as `unknown_dot`, `mode_invalid`, `role_invalid`, `namespace_forbidden`, `endpoint_missing`,
    /// `fixture_missing` or `contract_invalid`; [`Error::NotPermitted`] for a login that is no operator.
    pub async fn set_contract(
        &self,
        contract: &ContractDefinition,
        actor: Option<&Actor>,
        reason: Option<&str>,
    ) -> Result<String, Error> {
        let contract =
            serde_json::to_value(contract).map_err(|error| Error::Answer(error.to_string()))?;
        let call = Call::to("fn_dot_contract_set")
            .with("p_contract", contract)
            .with("p_actor", self.actor_or_default(actor))
            .with("p_reason", reason)
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
