//! Simulates older or failing kernels for a program.

use std::{collections::BTreeMap, io, thread};

use nix::libc;
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
        if kernel != Kernel::AsItIs {
            filter(kernel).expect("a filter of system calls");
        }
        work()
    };
    match thread::spawn(working).join() {
        Ok(done) => done,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

fn filter(kernel: Kernel) -> io::Result<()> {
    let (call, errno, rules) = match kernel {
        Kernel::FailingLandlock => {
            // A question for the version has a flag.
            let makes_rules =
                SeccompCondition::new(2, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, 0);
            let rule = makes_rules.and_then(|condition| SeccompRule::new(vec![condition]));
            let rule = rule.map_err(io::Error::other)?;
            (libc::SYS_landlock_create_ruleset, libc::EINVAL, vec![rule])
        }
        Kernel::WithoutOpenat2 => (libc::SYS_openat2, libc::ENOSYS, Vec::new()),
        _ => (libc::SYS_landlock_create_ruleset, libc::ENOSYS, Vec::new()),
    };
    let filter = SeccompFilter::new(
        BTreeMap::from([(call, rules)]),
        SeccompAction::Allow,
        SeccompAction::Errno(errno.unsigned_abs()),
        std::env::consts::ARCH
            .try_into()
            .map_err(io::Error::other)?,
    );
    let program = filter
        .and_then(BpfProgram::try_from)
        .map_err(io::Error::other)?;
    apply_filter(&program).map_err(io::Error::other)
}
