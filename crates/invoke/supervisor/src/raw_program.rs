//! The keys of an invocation that say how a program is started, as they are written.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{Limits, variable_source::VariableSource};

/// The keys as they are written.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RawProgram {
    /// The arguments; the first one may be the program's own name.
    pub argv: Vec<String>,
    /// Variables that are copied from the runner's environment. A real run is refused where one is missing.
    pub environment: Vec<String>,
    /// Such variables that may be missing.
    pub environment_optional: Vec<String>,
    /// Which folder is its home.
    pub home: Home,
    /// Folders that come before the others in which programs are looked for, for the runner and for the program itself.
    pub path: Vec<String>,
    /// The name of its time zone.
    pub time_zone: Option<String>,
    /// Variables with their values.
    pub variables: BTreeMap<String, String>,
    /// Variables whose values are secrets, and where each value is.
    pub variables_from: BTreeMap<String, VariableSource>,
    /// Whether a real run may gain rights by executing a program, as `sudo` does.
    pub allow_setuid: bool,
    /// The names of processes that a real run may leave behind.
    pub leave_running: Vec<String>,
    /// Where it reads and writes.
    pub paths: RawPaths,
    /// Whether a dry run is refused where the system has no complete sandbox.
    pub require_sandbox: bool,
    /// What it may use.
    pub limits: Limits,
}

/// Which folder is a program's `HOME`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Home {
    /// An empty folder of the call.
    #[default]
    Own,
    /// The runner's own home.
    Runner,
}

/// Where a program reads and writes, besides the call's folder.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RawPaths {
    /// For readers of the contract: reading is not restricted.
    pub read: Vec<String>,
    /// Where it may write below a real run.
    pub write: Vec<String>,
}
