//! Reading what a call left, within limits: a stop ends the reading, and so does a file system that no longer answers. Its
//! thread is freed a moment later.
//!
//! Reading an output is no part of the tool's time: a backup of a terabyte takes hours to digest, and the tool is not to
//! blame. So the reading has no deadline; it ends where it makes no progress.
//!
//! Reading blocks, so it has a thread of its own. Nobody waits for that thread: the caller goes on at once, and the
//! thread looks at its limit between two chunks, files or entries.

use std::{
    io::{self, Read},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

use crate::{ReadyThread, Stop, StopReason};

/// How much is read between two looks at the limit, in bytes.
pub(crate) const CHUNK: usize = 256 << 10;

/// How long a reading may make no progress: a network file system that hangs gives nothing for longer.
const STALL_TIMEOUT: Duration = Duration::from_secs(60);

/// How often its progress is looked at.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// How much later than its caller the thread ends by itself, should the caller stand still.
const BEHIND_CALLER: Duration = Duration::from_secs(1);

/// How far the readings of a call are. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct ReadProgress(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    bytes: AtomicU64,
    /// Counts entries too, which may be empty.
    steps: AtomicU64,
}

impl ReadProgress {
    /// How many bytes were read so far, by all readings.
    pub fn bytes(&self) -> u64 {
        self.0.bytes.load(Ordering::Relaxed)
    }

    fn steps(&self) -> u64 {
        self.0.steps.load(Ordering::Relaxed)
    }
}

/// Progress is no part of what a call is.
impl PartialEq for ReadProgress {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

/// Until when something may be read. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct ReadLimit {
    /// Nobody waits for the result any more.
    is_abandoned: Arc<AtomicBool>,
    deadline: Option<Instant>,
    stop: Option<Stop>,
    progress: ReadProgress,
}

/// Why something was not read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadInterrupted {
    /// The runner says so.
    Stopped(StopReason),
    /// Nothing could be read for a minute, or the time of a search was over.
    Deadline,
    /// No thread could be had for it, or the one that read it panicked.
    Broken,
}

/// The limit was met.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the reading was cut off")]
struct CutOff;

impl ReadLimit {
    /// None: for tests, and for what is known to be small.
    pub fn none() -> Self {
        Self::default()
    }

    /// Whether the reading may go on.
    ///
    /// # Errors
    /// `TimedOut`, once it may not.
    pub fn check(&self) -> io::Result<()> {
        self.progress.0.steps.fetch_add(1, Ordering::Relaxed);
        let is_met = self.is_abandoned.load(Ordering::Relaxed)
            || self.deadline.is_some_and(|end| Instant::now() >= end)
            || self
                .stop
                .as_ref()
                .is_some_and(|stop| stop.reason().is_some());
        match is_met {
            true => Err(io::Error::new(io::ErrorKind::TimedOut, CutOff)),
            false => Ok(()),
        }
    }

    /// A reader that looks at the limit before each chunk.
    pub fn reader<R: Read>(&self, source: R) -> impl Read + use<'_, R> {
        Limited {
            source,
            limit: self,
        }
    }
}

struct Limited<'a, R> {
    source: R,
    limit: &'a ReadLimit,
}

impl<R: Read> Read for Limited<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.limit.check()?;
        let most = buffer.len().min(CHUNK);
        let read = self.source.read(&mut buffer[..most])?;
        let counters = &self.limit.progress.0;
        counters.bytes.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// Reads on a thread of its own, until a stop, or until nothing was read for a minute. The thread ends soon after either,
/// because `reading` looks at the limit that it is given.
///
/// # Errors
/// Why it was not read.
pub async fn read_apart<T: Send + 'static>(
    reading: impl FnOnce(&ReadLimit) -> T + Send + 'static,
    stop: &mut Stop,
    progress: &ReadProgress,
) -> Result<T, ReadInterrupted> {
    read_apart_by(new_thread()?, reading, stop, progress).await
}

/// As [`read_apart`], on a thread that is there already.
///
/// # Errors
/// Why it was not read.
pub async fn read_apart_by<T: Send + 'static>(
    reader: ReadyThread,
    reading: impl FnOnce(&ReadLimit) -> T + Send + 'static,
    stop: &mut Stop,
    progress: &ReadProgress,
) -> Result<T, ReadInterrupted> {
    let limit = ReadLimit {
        stop: Some(stop.clone()),
        progress: progress.clone(),
        ..ReadLimit::none()
    };
    read_until(reader, reading, limit, stop, until_stalled(progress)).await
}

/// As [`read_apart`], until a deadline: for what is searched after the call, whose search may be left out.
///
/// # Errors
/// Why it was not read.
pub(crate) async fn read_before<T: Send + 'static>(
    reading: impl FnOnce(&ReadLimit) -> T + Send + 'static,
    deadline: Instant,
) -> Result<T, ReadInterrupted> {
    let limit = ReadLimit {
        // The caller's comes first, so that it is the one who says why.
        deadline: Some(deadline + BEHIND_CALLER),
        ..ReadLimit::none()
    };
    let over = tokio::time::sleep_until(deadline);
    read_until(new_thread()?, reading, limit, &mut Stop::never(), over).await
}

fn new_thread() -> Result<ReadyThread, ReadInterrupted> {
    ReadyThread::new().map_err(|error| {
        tracing::warn!(%error, "no thread could be had to read an output");
        ReadInterrupted::Broken
    })
}

async fn read_until<T: Send + 'static>(
    reader: ReadyThread,
    reading: impl FnOnce(&ReadLimit) -> T + Send + 'static,
    limit: ReadLimit,
    stop: &mut Stop,
    over: impl Future<Output = ()>,
) -> Result<T, ReadInterrupted> {
    let _abandoned_when_dropped = Abandon(Arc::clone(&limit.is_abandoned));
    let read = reader.run(move || reading(&limit));
    tokio::select! {
        // A stop that is there already wins over a result that was read at once.
        biased;
        reason = stop.cancelled() => Err(ReadInterrupted::Stopped(reason)),
        // The limit may have cut the reading off before the stop was heard here.
        read = read => match stop.reason() {
            Some(reason) => Err(ReadInterrupted::Stopped(reason)),
            None => read.map_err(|_panicked| ReadInterrupted::Broken),
        },
        () = over => Err(ReadInterrupted::Deadline),
    }
}

/// Returns once there was no progress for a minute.
async fn until_stalled(progress: &ReadProgress) {
    let mut watch = StallWatch::new(progress.steps(), Instant::now());
    while !watch.is_stalled(progress.steps(), Instant::now()) {
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}

/// When a number was seen to change last.
struct StallWatch {
    last: u64,
    since: Instant,
}

impl StallWatch {
    fn new(last: u64, since: Instant) -> Self {
        Self { last, since }
    }

    /// Whether it has not changed for too long.
    fn is_stalled(&mut self, steps: u64, now: Instant) -> bool {
        if steps != self.last {
            *self = Self::new(steps, now);
        }
        now.duration_since(self.since) >= STALL_TIMEOUT
    }
}

/// Ends the reading when its caller goes away.
struct Abandon(Arc<AtomicBool>);

impl Drop for Abandon {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::StopHandle;

    /// A reading without an end of its own, and what tells that its thread has ended.
    fn endless() -> (
        mpsc::Receiver<()>,
        impl FnOnce(&ReadLimit) -> io::Result<u64> + Send + 'static,
    ) {
        let (running, ended) = mpsc::channel();
        let reading = move |limit: &ReadLimit| {
            let _dropped_at_the_end: mpsc::Sender<()> = running;
            io::copy(&mut limit.reader(io::repeat(0)), &mut io::sink())
        };
        (ended, reading)
    }

    fn has_ended(ended: &mpsc::Receiver<()>) -> bool {
        ended.recv_timeout(Duration::from_secs(20)) == Err(mpsc::RecvTimeoutError::Disconnected)
    }

    #[tokio::test]
    async fn stop_ends_reading_and_its_thread() {
        let (ended, reading) = endless();
        let (handle, mut stop) = StopHandle::new();
        // On the same thread as the reading's caller: it gets its turn although the reading goes on.
        let stopping = async { handle.stop(StopReason::GateClosed) };
        let progress = ReadProgress::default();
        let (read, ()) = tokio::join!(read_apart(reading, &mut stop, &progress), stopping);
        assert_eq!(
            read.unwrap_err(),
            ReadInterrupted::Stopped(StopReason::GateClosed)
        );
        assert!(has_ended(&ended));
    }

    #[tokio::test]
    async fn deadline_ends_reading_and_its_thread() {
        let (ended, reading) = endless();
        let read = read_before(reading, Instant::now()).await;
        assert_eq!(read.unwrap_err(), ReadInterrupted::Deadline);
        assert!(has_ended(&ended));
    }

    #[test]
    fn a_reading_without_progress_is_stalled_and_one_with_progress_is_not() {
        let began = Instant::now();
        let mut watch = StallWatch::new(0, began);
        for step in 1..10 {
            let now = began + STALL_TIMEOUT * step / 2;
            assert!(!watch.is_stalled(step.into(), now), "{step}");
        }
        let end = began + STALL_TIMEOUT * 9 / 2 + STALL_TIMEOUT;
        assert!(!watch.is_stalled(9, end - LOOK_INTERVAL));
        assert!(watch.is_stalled(9, end));
    }

    #[tokio::test]
    async fn progress_counts_what_is_read() {
        let progress = ReadProgress::default();
        let reading =
            |limit: &ReadLimit| io::copy(&mut limit.reader(&[7; 3000][..]), &mut io::sink());
        let read = read_apart(reading, &mut Stop::never(), &progress).await;
        assert_eq!((read.unwrap().unwrap(), progress.bytes()), (3000, 3000));
    }

    #[tokio::test]
    async fn dropped_caller_ends_the_thread() {
        let (ended, reading) = endless();
        let (mut stop, progress) = (Stop::never(), ReadProgress::default());
        let read = read_apart(reading, &mut stop, &progress);
        let dropped = tokio::time::timeout(Duration::from_millis(1), read).await;
        assert!(dropped.is_err() && has_ended(&ended));
    }

    #[tokio::test]
    async fn result_is_returned() {
        let read = read_apart(|_| 7, &mut Stop::never(), &ReadProgress::default()).await;
        assert_eq!(read, Ok(7));
    }
}
