//! Simulates older or failing kernels for a program.

use std::{collections::BTreeMap, io, thread};

use nix::{errno::Errno, libc};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, apply_filter,
};

/// The simulated kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kernel {
    /// This machine's.
    AsItIs,
    /// One before 5.13.
    WithoutLandlock,
    /// One whose Landlock reports its version but creates no ruleset.
    FailingLandlock,
    /// One that answers the question for Landlock's version with this error.
    LandlockVersionError(Errno),
    /// One that refuses to switch Landlock's rules on.
    LandlockWithoutRestriction,
    /// One that makes no namespaces.
    WithoutNamespaces,
    /// One that installs no filters of system calls.
    WithoutFilters,
    /// One before 5.6.
    WithoutOpenat2,
}

/// Runs the function in its own thread, whose child processes see the simulated kernel.
///
/// # Panics
/// Where the work does, and where there are no filters of system calls.
pub fn with_kernel<T: Send + 'static>(
    kernel: Kernel,
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    let working = move || {
        filter(kernel).expect("a filter of system calls");
        work()
    };
    match thread::spawn(working).join() {
        Ok(done) => done,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

fn filter(kernel: Kernel) -> io::Result<()> {
    let only_if = |argument, value| {
        let condition =
            SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value);
        let rule = condition.and_then(|condition| SeccompRule::new(vec![condition]));
        rule.map(|rule| vec![rule]).map_err(io::Error::other)
    };
    let always = Vec::new();
    let (call, errno, rules) = match kernel {
        Kernel::AsItIs => return Ok(()),
        Kernel::WithoutLandlock => (libc::SYS_landlock_create_ruleset, Errno::ENOSYS, always),
        // A question for the version has a flag.
        Kernel::FailingLandlock => (
            libc::SYS_landlock_create_ruleset,
            Errno::EINVAL,
            only_if(2, 0)?,
        ),
        Kernel::LandlockVersionError(errno) => {
            (libc::SYS_landlock_create_ruleset, errno, only_if(2, 1)?)
        }
        Kernel::LandlockWithoutRestriction => {
            (libc::SYS_landlock_restrict_self, Errno::EPERM, always)
        }
        Kernel::WithoutNamespaces => (libc::SYS_unshare, Errno::EPERM, always),
        // `SECCOMP_SET_MODE_FILTER`
        Kernel::WithoutFilters => (libc::SYS_seccomp, Errno::EPERM, only_if(0, 1)?),
        Kernel::WithoutOpenat2 => (libc::SYS_openat2, Errno::ENOSYS, always),
    };
    let filter = SeccompFilter::new(
        BTreeMap::from([(call, rules)]),
        SeccompAction::Allow,
        SeccompAction::Errno((errno as i32).unsigned_abs()),
        std::env::consts::ARCH
            .try_into()
            .map_err(io::Error::other)?,
    );
    let program = filter
        .and_then(BpfProgram::try_from)
        .map_err(io::Error::other)?;
    apply_filter(&program).map_err(io::Error::other)
}
