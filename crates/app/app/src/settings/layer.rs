//! One layer of settings. The same shape for flags, environment and file, so that none can know a key the others do
//! not.
use std::path::PathBuf;

use serde::Deserialize;

use super::{Colour, DatabaseUrl, Format};

/// What one layer says; what it does not say is left to the layer beneath.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// The database's URL, or keyword and value pairs.
    pub database_url: Option<DatabaseUrl>,
    /// The schema of the installation.
    pub schema: Option<String>,
    /// What the names of its roles begin with.
    pub role_prefix: Option<String>,
    /// Who acts, where a command does not say.
    pub actor: Option<String>,
    /// How data is printed.
    pub output: Option<Format>,
    /// When to colour.
    pub color: Option<Colour>,
    /// The folder of the embedded cluster and of runs.
    pub home: Option<PathBuf>,
    /// The folder with the PostgreSQL programs for the embedded cluster.
    pub pg_bin: Option<PathBuf>,
    /// The folder below which executed runs keep their files.
    pub runs_folder: Option<PathBuf>,
    /// The hosts of agent services and MCP servers that may be called.
    pub agent_hosts: Option<Vec<String>>,
    /// A PEM file of certificates to trust besides the system's.
    pub agent_ca: Option<PathBuf>,
    /// Whether dry runs are refused without a complete sandbox.
    pub require_sandbox: Option<bool>,
    /// How many bytes stay free on the disk of the runs' folder.
    pub min_free_bytes: Option<u64>,
}

impl Layer {
    /// This layer laid over `beneath`.
    pub fn combine(self, beneath: Self) -> Self {
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
            min_free_bytes: self.min_free_bytes.or(beneath.min_free_bytes),
        }
    }
}
