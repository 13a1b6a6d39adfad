//! Whether the kernel has Landlock.

use std::io;

use landlock::Ruleset;
use nix::errno::Errno;

/// Why this process cannot have Landlock, if so. Only three answers of the kernel mean that there is none. The last of
/// them comes from a filter of a container runtime that does not know the call.
///
/// # Errors
/// Any other answer: Landlock may be there and fail.
pub(super) fn absence() -> io::Result<Option<&'static str>> {
    Errno::clear();
    // The library asks the kernel here. It keeps no cause.
    let _ruleset = Ruleset::default();
    match Errno::last() {
        Errno::UnknownErrno => Ok(None),
        Errno::ENOSYS => Ok(Some("the kernel has no landlock")),
        Errno::EOPNOTSUPP => Ok(Some("landlock is switched off")),
        Errno::EPERM => Ok(Some(
            "landlock is refused by a filter of system calls (EPERM)",
        )),
        other => Err(other.into()),
    }
}
