//! Processes that calls of this process have left behind, with leave. Where it adopts orphans they are its children, and
//! the cleaning up after a lost supervisor must not take them for that one's.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use nix::{
    errno::Errno,
    sys::wait::{WaitPidFlag, waitpid},
    unistd::Pid,
};

use crate::supervisor::{LeftProcess, Process};

/// Their ids, and when each was started.
static LEFT: Mutex<BTreeMap<i32, u64>> = Mutex::new(BTreeMap::new());

/// Notes what a call has left.
pub(crate) fn note(left: &[LeftProcess]) {
    let left = left.iter();
    lock().extend(left.map(|process| (process.process.cast_signed(), process.started)));
}

/// Whether it is one of them.
pub(crate) fn contain(process: &Process) -> bool {
    lock().get(&process.id) == Some(&process.started)
}

/// Forgets those that have ended, and asks how: nobody else does, where this process is their parent.
pub(crate) fn reap() {
    lock().retain(|process, started| {
        match waitpid(Pid::from_raw(*process), Some(WaitPidFlag::WNOHANG)) {
            Ok(nix::sys::wait::WaitStatus::StillAlive) => true,
            // Another's child: it is looked for.
            Err(Errno::ECHILD) => Process::of(process.unsigned_abs())
                .is_some_and(|found| found.started == *started && !found.has_ended()),
            Ok(_) | Err(_) => false,
        }
    });
}

fn lock() -> MutexGuard<'static, BTreeMap<i32, u64>> {
    LEFT.lock().unwrap_or_else(PoisonError::into_inner)
}
