//! This program's threads. All that it needs are there before a tool is: at its limit of processes an account gets no
//! more.
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};
use std::{fs, io, thread};

use dotwrap_exec::ReadyThread;
use nix::errno::Errno;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

use crate::exit_status::ExitStatus;
use crate::failure::Failure;

/// Those of the runtime. Two: a lease is renewed while a large output is read.
const WORKERS: usize = 2;

/// Those for work that blocks: names are looked up, outputs are compared.
const BLOCKING: usize = 2;

/// How long threads that are there may take to begin, on a machine that is busy.
const THREAD_START_TIMEOUT: Duration = Duration::from_secs(30);

/// The runtime.
///
/// # Errors
/// The account, or its control group, is at its limit of processes.
pub(crate) fn runtime() -> Result<Runtime, Failure> {
    // The runtime panics where it gets none.
    try_for(WORKERS)?;
    Builder::new_multi_thread()
        .worker_threads(WORKERS)
        // A thread that ended could not be started again at the limit of processes.
        .thread_keep_alive(Duration::from_secs(u32::MAX.into()))
        .enable_all()
        .build()
        .map_err(|error| at_limit(&error))
}

/// Makes the threads for work that blocks, before anything is done. Where the runtime gets none later, it would wait
/// for one for ever.
///
/// # Errors
/// As of [`runtime`].
pub(crate) async fn make_blocking() -> Result<(), Failure> {
    try_for(BLOCKING)?;
    // Each waits for the others, so that none does the work of two.
    let there = Arc::new((Mutex::new(0), Condvar::new()));
    let mut all = JoinSet::new();
    for _ in 0..BLOCKING {
        let there = Arc::clone(&there);
        all.spawn_blocking(move || are_all_there(&there));
    }
    // One that the runtime has no thread for is not begun until another ends.
    match all.join_next().await {
        Some(Ok(true)) => Ok(()),
        _ => Err(at_limit(&io::Error::other("for work that blocks"))),
    }
}

/// Counts this thread, and waits for the others.
fn are_all_there((count, changed): &(Mutex<usize>, Condvar)) -> bool {
    let Ok(mut there) = count.lock() else {
        return false;
    };
    *there += 1;
    changed.notify_all();
    let waited = changed.wait_timeout_while(there, THREAD_START_TIMEOUT, |there| *there < BLOCKING);
    waited.is_ok_and(|(there, _)| *there >= BLOCKING)
}

/// Makes so many threads, and gives them back.
fn try_for(many: usize) -> Result<(), Failure> {
    let before = own_threads();
    let tried: io::Result<Vec<ReadyThread>> = (0..many).map(|_| ReadyThread::new()).collect();
    let tried = tried.map_err(|error| at_limit(&error))?;
    drop(tried);
    // A thread is counted until the kernel has cleared it away.
    let since = Instant::now();
    while own_threads() > before && since.elapsed() < THREAD_START_TIMEOUT {
        thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// None where the system does not say.
fn own_threads() -> usize {
    fs::read_dir("/proc/self/task").map_or(0, Iterator::count)
}

fn at_limit(error: &io::Error) -> Failure {
    let is_of_files = matches!(error.raw_os_error(), Some(EMFILE | ENFILE));
    Failure::new(
        ExitStatus::Unreachable,
        "no_thread",
        format!("no thread could be had: {error}"),
    )
    .hint(if is_of_files {
        "this process may open too few files: raise `ulimit -n`"
    } else {
        "the account or its control group is at its limit of processes: end some, or raise `ulimit -u` (pids.max)"
    })
}

/// Too many files are open, in this process or on the machine.
const EMFILE: i32 = Errno::EMFILE as i32;
const ENFILE: i32 = Errno::ENFILE as i32;
