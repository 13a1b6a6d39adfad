//! What the runner decides about all calls, whatever a contract says.

use std::{ffi::OsString, io, path::PathBuf};

use dotwrap_invoke::AllowedHosts;

/// How much is read of an answer where nothing else is said: 16 MiB.
pub const DEFAULT_MAX_RESPONSE_BYTES: u64 = 16 << 20;

/// The runner's settings.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The hosts that may be called.
    pub allowed_hosts: AllowedHosts,
    /// Files with certificates, PEM, of authorities that are trusted beside the system's own.
    pub authority_files: Vec<PathBuf>,
    /// How much is read of an answer, in bytes, where the contract does not say.
    pub max_response_bytes: u64,
    /// Where a token is looked up by the name of its variable; the process's environment unless a test says otherwise.
    pub environment: fn(&str) -> Option<OsString>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            allowed_hosts: AllowedHosts::default(),
            authority_files: Vec::new(),
            max_response_bytes: DEFAULT_MAX_RESPONSE_BYTES,
            environment: |name| std::env::var_os(name),
        }
    }
}

/// Why no call can be made with these settings.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A file of authorities cannot be read, or has none.
    #[error("no authority's certificate can be read from {}: {reason}", path.display())]
    Authority {
        /// Which file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The client cannot be made.
    #[error("no HTTPS client can be made")]
    Client(#[source] io::Error),
}
