//! What is to be called, for what, and with what in hand.

use std::{
    collections::BTreeMap,
    fs::{DirBuilder, symlink_metadata},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    time::Duration,
};

use dotwrap_types::{
    ComponentRole, ComponentRunId, Contract, CorrelationId, DotCode, EvidenceType, Fixture,
    ProcessRunId,
};
use strum::{AsRefStr, Display, EnumString};
use uuid::Uuid;

use crate::{Digest, Output, ReadProgress};

/// The two modes in which a tool is really called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, AsRefStr, Display, EnumString)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Mode {
    /// The tool's own logic, in a form that changes nothing.
    DryRun,
    /// The tool, for real.
    RealRun,
}

impl Mode {
    /// The evidence that a call in this mode gives at most.
    pub fn evidence_type(self) -> EvidenceType {
        match self {
            Self::DryRun => EvidenceType::DryRun,
            Self::RealRun => EvidenceType::RealRun,
        }
    }

    /// Whether the call may change anything but its own folder and its declared paths.
    pub fn may_mutate(self) -> bool {
        self == Self::RealRun
    }
}

/// What the run's producer left, as the ledger has it: what a verifier is asked about.
#[derive(Clone, Debug, PartialEq)]
pub struct Produced {
    /// Where it is, with its digest and size.
    pub output: Output,
    /// What the producer's row in the ledger says its digest is.
    pub committed_digest: Digest,
    /// What the producer's contract takes out of a reference, by its names.
    pub fields: BTreeMap<String, String>,
}

/// One call of one DOT. Its receipt is committed already.
#[derive(Clone, Debug)]
pub struct ToolCall {
    /// The DOT.
    pub dot_code: DotCode,
    /// Which part of its pair it is.
    pub role: ComponentRole,
    /// The form in which it is called.
    pub mode: Mode,
    /// The run.
    pub process_run_id: ProcessRunId,
    /// The component that the call will be recorded as.
    pub component_run_id: ComponentRunId,
    /// The receipt.
    pub invocation_id: Uuid,
    /// What joins everything of the run.
    pub correlation_id: CorrelationId,
    /// What is called and how, as the contract has it.
    pub contract: Contract,
    /// The contract's fixture, if it names one.
    pub fixture: Option<Fixture>,
    /// What the run is given: a path, an address, a name; for the tool to make sense of.
    pub input_ref: Option<String>,
    /// Its digest, where the caller gave one.
    pub input_digest: Option<String>,
    /// For a verifier: what it is to look at.
    pub produced: Option<Produced>,
    /// Where a producer's contract wants its output, where that is no place of the invoker's: absolute.
    pub output_path: Option<PathBuf>,
    /// The size in bytes of what the last verified run of the same candidate and input left, where it is asked for.
    pub verified_bytes: Option<u64>,
    /// How far the reading of its output is.
    pub reading: ReadProgress,
    /// Where a folder of the call's own is, or may be made with [`ToolCall::make_folder`]: absolute, and nobody else's.
    pub folder: PathBuf,
}

impl ToolCall {
    /// Makes the call's folder, unless it is there: nobody but the user can look into it. A call that keeps nothing
    /// needs none.
    ///
    /// # Errors
    /// The file system's; `NotADirectory` where a link or something else is in the place of the call's folder or of its
    /// run's: the tool that was called before may have put it there.
    pub fn make_folder(&self) -> io::Result<()> {
        if let Some(run) = self.folder.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(run)?;
            check_is_folder(run)?;
        }
        match DirBuilder::new().mode(0o700).create(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => made?,
        }
        check_is_folder(&self.folder)
    }

    /// How long the call may take.
    pub fn time_limit(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.contract.timeout_ms).unwrap_or(0))
    }
}

/// A link is none.
fn check_is_folder(path: &Path) -> io::Result<()> {
    match symlink_metadata(path)?.is_dir() {
        true => Ok(()),
        false => Err(io::Error::new(
            io::ErrorKind::NotADirectory,
            format!(
                "{} is a link or no folder, and links are not followed here",
                path.display()
            ),
        )),
    }
}
