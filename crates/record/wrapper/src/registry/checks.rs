//! Preflight checks: which there are. What they find is asked by `preflight.rs`.

use std::time::Duration;

use crate::{
    Wrapper,
    database::{Call, Interval, row},
    error::Error,
    request_builder::description,
    types::Actor,
};

row! {
    /// One registered check.
    pub struct Check {
        /// Its name.
        pub check_name: String,
        /// How bad a finding is: `critical`, `high`, `medium` or `info`.
        pub severity: String,
        /// What a finding does: `BLOCK` or `WARN`.
        pub on_finding: String,
        /// The function that counts the findings, with its schema.
        pub count_query: String,
        /// How old its last clean answer may be; zero: it is asked every time.
        pub max_age: Interval,
        /// Whether it is asked at all.
        pub enabled: bool,
        /// What it looks for.
        pub description: String,
    }
}

description! {
    /// A check that is to be registered, or changed.
    pub struct CheckDefinition {
        required {
            /// Its name.
            check_name: String,
            /// The function that counts the findings: without arguments, named with its schema, returning
            /// bigint. It runs with rights to read and no ledger function.
            count_query: String,
        }
        optional {
            /// The actor; by default the wrapper's.
            actor: Actor,
        }
        defaulted {
            /// How bad a finding is: `critical`, `high`, `medium` or `info`.
            severity: String = "high".to_owned(),
            /// What a finding does: `BLOCK` or `WARN`.
            on_finding: String = "BLOCK".to_owned(),
            /// How old its last clean answer may be; zero: it is asked every time.
            max_age: Duration = Duration::ZERO,
            /// Whether it is asked at all.
            enabled: bool = true,
            /// What it looks for.
            description: String = String::new(),
        }
    }
}

impl Wrapper {
    /// Every registered check, by name, the disabled ones included.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn checks(&self) -> Result<Vec<Check>, Error> {
        self.database
            .view("v_dot_preflight_check", "ORDER BY check_name", Vec::new())
            .await
    }

    /// Registers a check, or changes one. What it last answered is forgotten.
    ///
    /// # Errors
    /// Refused as `check_invalid` or `actor_required`; [`Error::NotPermitted`] for a login that is no operator.
    pub async fn set_check(&self, check: &CheckDefinition) -> Result<String, Error> {
        let call = Call::to("fn_dot_preflight_check_set")
            .with("p_check_name", check.check_name.as_str())
            .with("p_count_query", check.count_query.as_str())
            .with("p_actor", self.actor_or_default(check.actor.as_ref()))
            .with("p_severity", check.severity.as_str())
            .with("p_on_finding", check.on_finding.as_str())
            .with("p_max_age", Interval::from(check.max_age))
            .with("p_enabled", check.enabled)
            .with("p_description", check.description.as_str())
            .idempotent();
        self.database.value(&call).await
    }
}
