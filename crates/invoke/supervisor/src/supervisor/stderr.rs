//! Standard error: the first part is kept, the rest is read all the same, so that the tool never waits for it.

use std::{
    fs::File,
    io::{self, Read, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    thread,
    time::{Duration, Instant},
};

use super::StderrKept;

#[derive(Clone, Debug, Default)]
pub(super) struct StderrDrain(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    bytes: AtomicU64,
    kept: AtomicU64,
    done: AtomicBool,
}

impl StderrDrain {
    /// Reads in a thread of its own until nobody can write any more.
    pub(super) fn start(source: io::PipeReader, file: File, most: u64) -> io::Result<Self> {
        let drain = Self::default();
        let counts = Arc::clone(&drain.0);
        thread::Builder::new().spawn(move || {
            read_all(source, file, most, &counts);
            counts.done.store(true, SeqCst);
        })?;
        Ok(drain)
    }

    /// What came. Waits a moment for the last of it, but not for somebody who holds the descriptor and never ends.
    pub(super) fn counted(&self, wait_limit: Duration) -> StderrKept {
        let since = Instant::now();
        while !self.0.done.load(SeqCst) && since.elapsed() < wait_limit {
            thread::sleep(Duration::from_millis(2));
        }
        StderrKept {
            bytes: self.0.bytes.load(SeqCst),
            kept_bytes: self.0.kept.load(SeqCst),
        }
    }
}

fn read_all(mut source: io::PipeReader, mut file: File, most: u64, counts: &Counts) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = match source.read(&mut buffer) {
            Ok(0) => return,
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => return,
        };
        counts.bytes.fetch_add(length as u64, SeqCst);
        let room = most.saturating_sub(counts.kept.load(SeqCst));
        let kept = usize::try_from(room).map_or(length, |room| room.min(length));
        // A full disk is no reason to let the tool wait.
        if kept > 0 && file.write_all(&buffer[..kept]).is_ok() {
            counts.kept.fetch_add(kept as u64, SeqCst);
        }
    }
}
