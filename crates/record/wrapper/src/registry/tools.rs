//! DOTs and their pairs.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::{
    Wrapper,
    database::{Call, Interval, Value, row},
    error::Error,
    types::{Actor, ComponentRole, DotCode, text_enum},
};

row! {
    /// One registered DOT.
    pub struct Tool {
        /// Its code.
        pub dot_code: DotCode,
        /// What people call it.
        pub name: String,
        /// `A`: reads and checks; `B`: writes.
        pub tier: String,
        /// What it does, in a word.
        pub operation: String,
        /// The DOT that it is paired with.
        pub paired_dot: Option<DotCode>,
        /// Which part of its pair it is.
        pub pair_role: Option<ComponentRole>,
        /// What sets it off.
        pub trigger_type: String,
        /// What calls it: `agent_api`, `command`, `mcp` or `none`.
        pub execution_engine: String,
        /// Where its script is.
        pub script_path: Option<String>,
        /// Whether it is in use: a tool that is `retired` is neither run nor requested.
        pub status: String,
        /// Whatever else is known of it.
        pub extra_metadata: Json,
        /// When it was registered.
        pub created_at: Timestamp,
        /// What excludes two runs of it: `pair`, `candidate`, `input` or `group:<name>`.
        pub lease_scope: String,
        /// Until when it is paused. None: it is not, or until it is resumed.
        pub paused_until: Option<Timestamp>,
        /// Who paused it. None: it is not paused.
        pub paused_by: Option<String>,
        /// Why it is paused.
        pub pause_reason: Option<String>,
    }
}

/// One DOT of an import. Omitted members take the contract's defaults; the contract checks the rest.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ToolDefinition {
    /// Its code, without a colon.
    pub dot_code: String,
    /// What people call it.
    pub name: String,
    /// `A`: reads and checks; `B`: writes.
    pub tier: String,
    /// What it does, in a word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// The DOT that it is paired with, which has to name it in turn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paired_dot: Option<String>,
    /// `producer` or `verifier`; required when it is paired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pair_role: Option<String>,
    /// What sets it off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger_type: Option<String>,
    /// What calls it: `agent_api`, `command`, `mcp` or `none`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution_engine: Option<String>,
    /// Where its script is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub script_path: Option<String>,
    /// Whether it is in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Whatever else is known of it, an object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extra_metadata: Option<Json>,
    /// What excludes two runs of it: `pair`, `candidate`, `input` or `group:<name>`. The producer's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease_scope: Option<String>,
}

text_enum! {
    /// What an import does to an entry.
    pub enum ImportAction {
        /// It is new.
        Add,
        /// It is there, and something of it changes.
        Change,
        /// It is there as it is.
        Keep,
        /// It cannot be taken; the whole import is refused.
        Refuse,
        /// It is not judged: what it depends on is refused.
        Skip,
    }
}

row! {
    /// What an import does, or would do, to one DOT.
    pub struct ToolChange {
        /// The DOT.
        pub dot_code: String,
        /// The action.
        pub action: ImportAction,
        /// The columns that change, or why it is refused.
        pub detail: Option<String>,
    }
}

impl Wrapper {
    /// Imports DOTs, all or nothing, and returns the result of each.
    ///
    /// # Errors
    /// Refused as `tool_invalid` or `actor_required`; nothing is written then. [`Error::NotPermitted`]
    /// for a login that is no operator.
    pub async fn import_tools(
        &self,
        tools: &[ToolDefinition],
        actor: Option<&Actor>,
    ) -> Result<Vec<ToolChange>, Error> {
        self.database.rows(&self.import(tools, actor, false)?).await
    }

    /// Says what an import would do to each DOT, refusals included, and writes nothing.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn plan_import(
        &self,
        tools: &[ToolDefinition],
        actor: Option<&Actor>,
    ) -> Result<Vec<ToolChange>, Error> {
        self.database.rows(&self.import(tools, actor, true)?).await
    }

    /// Every DOT, by code.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn tools(&self) -> Result<Vec<Tool>, Error> {
        self.database
            .view("v_dot_tool", "ORDER BY dot_code", Vec::new())
            .await
    }

    /// One DOT; none: there is no such code.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn tool(&self, dot_code: &DotCode) -> Result<Option<Tool>, Error> {
        let found = self
            .database
            .view(
                "v_dot_tool",
                "WHERE dot_code = $1",
                vec![Value::from(dot_code)],
            )
            .await?;
        Ok(found.into_iter().next())
    }

    /// Retires a DOT: its pair is neither run nor requested from then on, and its history stays. False: it was
    /// retired already.
    ///
    /// # Errors
    /// Refused as `unknown_dot`, `actor_required`, `reason_required` or `busy`; [`Error::NotPermitted`] for a
    /// login that is no operator.
    pub async fn retire_tool(
        &self,
        dot_code: &DotCode,
        reason: &str,
        actor: Option<&Actor>,
    ) -> Result<bool, Error> {
        let call = Call::to("fn_dot_tool_retire")
            .with("p_dot_code", dot_code)
            .with("p_actor", self.actor_or_default(actor))
            .with("p_reason", reason)
            .idempotent();
        self.database.value(&call).await
    }

    /// Pauses a DOT: no run of its pair begins and no request for it is claimed for this time, or until it is resumed.
    ///
    /// # Errors
    /// Refused as `unknown_dot`, `actor_required`, `reason_required`, `expiry_invalid` or `busy`;
    /// [`Error::NotPermitted`] for a login that is no operator.
    pub async fn pause_tool(
        &self,
        dot_code: &DotCode,
        reason: &str,
        during: Option<Duration>,
        actor: Option<&Actor>,
    ) -> Result<bool, Error> {
        let mut call = Call::to("fn_dot_tool_pause")
            .with("p_dot_code", dot_code)
            .with("p_actor", self.actor_or_default(actor))
            .with("p_reason", reason);
        if let Some(during) = during {
            let during = Interval::from(during).to_sql_text();
            call = call.with("p_until", Value::FromNow(Some(during)));
        }
        self.database.value(&call).await
    }

    /// Ends the pause of a DOT. False: it was not paused.
    ///
    /// # Errors
    /// Refused as `unknown_dot`, `actor_required` or `busy`; [`Error::NotPermitted`] for a login that is no operator.
    pub async fn resume_tool(
        &self,
        dot_code: &DotCode,
        reason: Option<&str>,
        actor: Option<&Actor>,
    ) -> Result<bool, Error> {
        let call = Call::to("fn_dot_tool_resume")
            .with("p_dot_code", dot_code)
            .with("p_actor", self.actor_or_default(actor))
            .with("p_reason", reason)
            .idempotent();
        self.database.value(&call).await
    }

    fn import(
        &self,
        tools: &[ToolDefinition],
        actor: Option<&Actor>,
        dry_run: bool,
    ) -> Result<Call, Error> {
        let tools =
            serde_json::to_value(tools).map_err(|error| Error::Answer(error.to_string()))?;
        // Taking the same DOTs twice keeps them.
        Ok(Call::to("fn_dot_tools_import")
            .with("p_tools", tools)
            .with("p_actor", self.actor_or_default(actor))
            .with("p_dry_run", dry_run)
            .idempotent())
    }
}
