//! How `dotwrap` ends: the one place where an outcome becomes a number that scripts can rely on.
use std::process::ExitCode;

use dotwrap_wrapper::ErrorClass;

/// The exit statuses of the command line. Their numbers are part of its contract (69, 70, 74 and 77 are those
/// of sysexits.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExitStatus {
    /// What was asked for is done.
    Done = 0,
    /// The run that was recorded failed, its verdict is fail, or a check (`doctor`, `verify`) found something wrong.
    Failed = 1,
    /// The command line, a file given to it, or a name in it is not usable.
    Usage = 2,
    /// A gate, a preflight check or the contract says no.
    Blocked = 3,
    /// Somebody else holds the lease of this pair, it was lost meanwhile, or somebody is just changing the same thing.
    LeaseHeld = 4,
    /// The idempotency key or the id belongs to another call.
    Conflict = 5,
    /// The database cannot be reached.
    Unreachable = 69,
    /// A defect of this program or of the installation.
    Internal = 70,
    /// Standard output cannot be written, for instance because a disk is full. What was asked for may be done.
    OutputFailed = 74,
    /// The database role may not do this.
    NotPermitted = 77,
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        ExitCode::from(status as u8)
    }
}

impl ExitStatus {
    /// The table of exit statuses.
    pub(crate) fn of(class: ErrorClass) -> Self {
        match class {
            ErrorClass::Argument => Self::Usage,
            ErrorClass::Blocked => Self::Blocked,
            ErrorClass::Lease => Self::LeaseHeld,
            ErrorClass::Conflict => Self::Conflict,
            ErrorClass::Unreachable => Self::Unreachable,
            ErrorClass::NotPermitted => Self::NotPermitted,
            ErrorClass::Transient | ErrorClass::Internal => Self::Internal,
        }
    }
}
