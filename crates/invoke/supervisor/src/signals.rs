//! What a process does with signals when it starts: whatever started it may have left other settings behind.

use std::{
    fs,
    sync::{Arc, OnceLock, atomic::AtomicBool},
};

use nix::sys::signal::{SigSet, Signal};
use signal_hook::{consts::FORBIDDEN, flag};

/// Ignored on purpose: by `nohup`, and by a shell that starts something in the background. Tools inherit that.
const MAY_BE_IGNORED: [Signal; 3] = [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT];

/// The last of the real-time signals.
const LAST_SIGNAL: i32 = 64;

/// Puts signals in order, first thing in `main`: none is blocked, and the end of a child is heard of. With SIGCHLD
/// ignored, the kernel would drop how each child ended.
pub fn set_dispositions() {
    let _as_it_is = ignored();
    let _stays_blocked = SigSet::empty().thread_set_mask();
    handle(Signal::SIGCHLD as i32);
}

/// Whether SIGHUP, SIGINT or SIGQUIT was ignored when this process started. Then it is not listened for.
pub fn was_ignored(signal: Signal) -> bool {
    MAY_BE_IGNORED.contains(&signal) && is_in(ignored(), signal as i32)
}

/// Gives a program that this process becomes the default dispositions, but for those that are ignored on purpose.
///
/// A signal that is ignored stays so when a program is executed, and one that is handled does not.
pub(crate) fn give_defaults() {
    let on_purpose = MAY_BE_IGNORED.map(|signal| signal as i32);
    for signal in 1..=LAST_SIGNAL {
        if is_in(ignored(), signal) && !on_purpose.contains(&signal) {
            handle(signal);
        }
    }
}

fn handle(signal: i32) {
    // These cannot be handled, or not safely; one that is ignored stays so.
    if FORBIDDEN.contains(&signal) {
        return;
    }
    // The C library keeps some for itself.
    let _can_not_be_handled = flag::register(signal, Arc::new(AtomicBool::new(false)));
}

/// The signals that were ignored when this was first asked, one bit each; none where the system does not say.
fn ignored() -> u64 {
    static IGNORED: OnceLock<u64> = OnceLock::new();
    *IGNORED.get_or_init(|| {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mut lines = status.lines();
        let mask = lines.find_map(|line| line.strip_prefix("SigIgn:"));
        mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
            .unwrap_or_default()
    })
}

fn is_in(mask: u64, signal: i32) -> bool {
    mask & (1 << (signal - 1)) != 0
}
