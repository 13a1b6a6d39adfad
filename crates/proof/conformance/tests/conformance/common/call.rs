//! A call of a contract function with named arguments. Arguments are SQL expressions.

use super::fixtures::{CANDIDATE, CORRELATION, PRODUCER};

/// A text as it stands in SQL.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A function with its arguments.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    function: &'static str,
    arguments: Vec<(&'static str, String)>,
}

impl Call {
    pub(crate) fn new(function: &'static str) -> Self {
        Self {
            function,
            arguments: Vec::new(),
        }
    }

    /// A call with these arguments, SQL expressions.
    pub(crate) fn with_arguments(
        function: &'static str,
        arguments: &[(&'static str, &str)],
    ) -> Self {
        arguments
            .iter()
            .fold(Self::new(function), |call, (name, expression)| {
                call.with(name, *expression)
            })
    }

    /// A pair that is recorded as completed, with only the required arguments.
    pub(crate) fn pair() -> Self {
        Self::new("fn_process_pair_observe")
            .text("p_dot_code", PRODUCER)
            .text("p_process_candidate_code", CANDIDATE)
            .text("p_correlation_id", CORRELATION)
            .text("p_actor", "tester")
    }

    /// A header, with only the required arguments.
    pub(crate) fn run() -> Self {
        Self::new("fn_process_run_observe")
            .text("p_process_candidate_code", CANDIDATE)
            .text("p_correlation_id", CORRELATION)
            .text("p_actor", "tester")
    }

    /// The producer of a run, with only the required arguments.
    pub(crate) fn component(process_run_id: &str) -> Self {
        Self::new("fn_process_component_observe")
            .text("p_process_run_id", process_run_id)
            .text("p_dot_code", PRODUCER)
            .text("p_component_role", "producer")
            .text("p_correlation_id", CORRELATION)
            .text("p_actor", "tester")
    }

    /// A backfill of these rows.
    pub(crate) fn backfill(rows: &serde_json::Value) -> Self {
        Self::new("fn_process_backfill")
            .with("p_rows", format!("{}::jsonb", literal(&rows.to_string())))
            .text("p_actor", "tester")
            .text("p_source_ref", "file:old.jsonl")
            .text("p_source_sha256", &"a".repeat(64))
    }

    pub(crate) fn lease(step: &'static str) -> Self {
        Self::new(step)
            .text("p_lease_name", &format!("dot_exec:{PRODUCER}"))
            .text("p_holder", "holder")
    }

    pub(crate) fn acquire(ttl_seconds: i32) -> Self {
        Self::lease("fn_dot_iu_runtime_lease_acquire")
            .with("p_ttl_seconds", ttl_seconds.to_string())
    }

    pub(crate) fn gate(key: &str, value: &str) -> Self {
        Self::new("fn_dot_gate_set")
            .text("p_key", key)
            .text("p_value", value)
            .text("p_actor", "operator")
            .text("p_reason", "a test")
    }

    /// With this argument, an SQL expression; in place of the one of that name, where there is one.
    pub(crate) fn with(mut self, name: &'static str, expression: impl Into<String>) -> Self {
        self.arguments.retain(|(other, _)| *other != name);
        self.arguments.push((name, expression.into()));
        self
    }

    /// With this argument, a text.
    pub(crate) fn text(self, name: &'static str, text: &str) -> Self {
        self.with(name, literal(text))
    }

    /// The query that makes the call.
    pub(crate) fn sql(&self) -> String {
        self.sql_in("dot")
    }

    /// The same in another schema; its name is quoted already.
    pub(crate) fn sql_in(&self, schema: &str) -> String {
        let arguments: Vec<String> = self
            .arguments
            .iter()
            .map(|(name, expression)| format!("{name} => {expression}"))
            .collect();
        format!(
            "SELECT * FROM {schema}.{}({})",
            self.function,
            arguments.join(", ")
        )
    }
}
