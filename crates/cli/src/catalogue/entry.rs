//! What one entry of a catalogue says. The database judges it; only names of keys are checked here.

use dotwrap_wrapper::ToolDefinition;
use serde::Deserialize;

/// A tool with the place it was read from, e.g. `tools.toml:12`.
#[derive(Debug)]
pub(crate) struct ToolEntry {
    pub(crate) place: String,
    pub(crate) tool: ToolDefinition,
}

/// One process that runs are evidence for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CandidateEntry {
    pub(crate) code: String,
    #[serde(default)]
    pub(crate) title: Option<String>,
    #[serde(default)]
    pub(crate) owner: Option<String>,
}
