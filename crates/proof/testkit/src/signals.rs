//! Tests may be started in the background or by `nohup`. SIGINT or SIGHUP is ignored then, and would be ignored by
//! every program that they start and interrupt.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT};
use signal_hook::flag::register_conditional_shutdown;

/// The exit status of a test program that is interrupted.
const INTERRUPTED: i32 = 130;

/// Gives the programs that this process starts the default dispositions: a signal that is handled is not ignored any
/// more when another program is executed.
pub(crate) fn give_defaults() {
    for signal in [SIGHUP, SIGINT, SIGQUIT] {
        let always = Arc::new(AtomicBool::new(true));
        let _stays_as_it_is = register_conditional_shutdown(signal, INTERRUPTED, always);
    }
}
