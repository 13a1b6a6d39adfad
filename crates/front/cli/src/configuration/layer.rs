//! One layer of settings. The same shape for flags, environment and file, so that none can know a key the others do not.

use std::path::PathBuf;

use serde::Deserialize;

use super::{Colour, DatabaseUrl, Format};

/// What one layer says; what it does not say is left to the layer beneath.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Layer {
    pub(crate) database_url: Option<DatabaseUrl>,
    pub(crate) schema: Option<String>,
    pub(crate) role_prefix: Option<String>,
    pub(crate) actor: Option<String>,
    pub(crate) output: Option<Format>,
    pub(crate) color: Option<Colour>,
    pub(crate) home: Option<PathBuf>,
    pub(crate) pg_bin: Option<PathBuf>,
    pub(crate) runs_folder: Option<PathBuf>,
    pub(crate) agent_hosts: Option<Vec<String>>,
    pub(crate) agent_ca: Option<PathBuf>,
    pub(crate) require_sandbox: Option<bool>,
}

impl Layer {
    /// This layer laid over `beneath`.
    pub(crate) fn combine(self, beneath: Self) -> Self {
        Self {
            database_url: self.database_url.or(beneath.database_url),
            schema: self.schema.or(beneath.schema),
            role_prefix: self.role_prefix.or(beneath.role_prefix),
            actor: self.actor.or(beneath.actor),
            output: self.output.or(beneath.output),
            color: self.color.or(beneath.color),
            home: self.home.or(beneath.home),
            pg_bin: self.pg_bin.or(beneath.pg_bin),
            runs_folder: self.runs_folder.or(beneath.runs_folder),
            agent_hosts: self.agent_hosts.or(beneath.agent_hosts),
            agent_ca: self.agent_ca.or(beneath.agent_ca),
            require_sandbox: self.require_sandbox.or(beneath.require_sandbox),
        }
    }
}
