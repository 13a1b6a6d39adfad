//! The one classification of failures.
use crate::refusal::RefusalKind;

/// What kind of failure it is. Front ends turn it into an exit status or an HTTP status; callers decide by it whether
/// to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// An argument, a file or an address cannot be used. The same call fails for ever.
    Argument,
    /// A valid call that is not allowed now: by a gate, a preflight check or a contract.
    Blocked,
    /// Another caller holds what is needed: a lease, a lock, a connection slot.
    Lease,
    /// The key or the id was used for something else.
    Conflict,
    /// The login may not do this.
    NotPermitted,
    /// The database does not answer, or cannot write to its disk.
    Unreachable,
    /// The database gave the call up for a reason that may pass, such as a deadlock. Nothing was written.
    Transient,
    /// A defect of this program or of the installation.
    Internal,
}

impl ErrorClass {
    /// Whether the same call may succeed later as it is.
    pub fn may_pass(self) -> bool {
        matches!(self, Self::Lease | Self::Unreachable | Self::Transient)
    }
}

impl From<RefusalKind> for ErrorClass {
    fn from(kind: RefusalKind) -> Self {
        match kind {
            RefusalKind::Argument => Self::Argument,
            RefusalKind::Blocked => Self::Blocked,
            RefusalKind::Lease => Self::Lease,
            RefusalKind::Conflict => Self::Conflict,
        }
    }
}
