//! Reading what a call left, within limits: a stop or a deadline ends the reading, and frees its thread a moment later.
//!
//! Reading blocks, so it has a thread of its own. Nobody waits for that thread: the caller goes on at once, and the
//! thread looks at its limit between two chunks, files or entries.

use std::{
    io::{self, Read},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

use crate::{ReadyThread, Stop, StopReason};

/// How much is read between two looks at the limit, in bytes.
pub(crate) const CHUNK: usize = 256 << 10;

/// What reading may take at least, however little is left of the call's time.
const MIN_READ_TIME: Duration = Duration::from_secs(5);

/// How much later than its caller the thread ends by itself, should the caller stand still.
const BEHIND_CALLER: Duration = Duration::from_secs(1);

/// Until when something may be read. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct ReadLimit {
    /// Nobody waits for the result any more.
    is_abandoned: Arc<AtomicBool>,
    deadline: Option<Instant>,
    stop: Option<Stop>,
}

/// Why something was not read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadInterrupted {
    /// The runner says so.
    Stopped(StopReason),
    /// The call's time is over.
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
        self.source.read(&mut buffer[..most])
    }
}

/// When the reading of what a call left ends at the latest, for a call with this deadline.
pub fn read_deadline(of_call: Instant) -> Instant {
    of_call.max(Instant::now() + MIN_READ_TIME)
}

/// Reads on a thread of its own, until a stop or the deadline. The thread ends soon after either, because `reading`
/// looks at the limit that it is given.
///
/// # Errors
/// Why it was not read.
pub async fn read_apart<T: Send + 'static>(
    reading: impl FnOnce(&ReadLimit) -> T + Send + 'static,
    stop: &mut Stop,
    deadline: Instant,
) -> Result<T, ReadInterrupted> {
    match ReadyThread::new() {
        Ok(reader) => read_apart_by(reader, reading, stop, deadline).await,
        Err(error) => {
            tracing::warn!(%error, "no thread could be had to read an output");
            Err(ReadInterrupted::Broken)
        }
    }
}

/// As [`read_apart`], on a thread that is there already.
///
/// # Errors
/// Why it was not read.
pub async fn read_apart_by<T: Send + 'static>(
    reader: ReadyThread,
    reading: impl FnOnce(&ReadLimit) -> T + Send + 'static,
    stop: &mut Stop,
    deadline: Instant,
) -> Result<T, ReadInterrupted> {
    let limit = ReadLimit {
        is_abandoned: Arc::default(),
        // The caller's comes first, so that it is the one who says why.
        deadline: Some(deadline + BEHIND_CALLER),
        stop: Some(stop.clone()),
    };
    let _abandoned_when_dropped = Abandon(Arc::clone(&limit.is_abandoned));
    let read = reader.run(move || reading(&limit));
    tokio::select! {
        // A stop that is there already wins over a result that was read at once.
        biased;
        reason = stop.cancelled() => Err(ReadInterrupted::Stopped(reason)),
        () = tokio::time::sleep_until(deadline) => Err(ReadInterrupted::Deadline),
        read = read => ended(read.map_err(|_panicked| ReadInterrupted::Broken), stop, deadline),
    }
}

/// What a reading that has ended counts for. The limit may have cut it off between two looks of the caller: then its
/// result says that it could not be read, and not why.
fn ended<T>(
    read: Result<T, ReadInterrupted>,
    stop: &Stop,
    deadline: Instant,
) -> Result<T, ReadInterrupted> {
    match stop.reason() {
        Some(reason) => Err(ReadInterrupted::Stopped(reason)),
        None if Instant::now() >= deadline => Err(ReadInterrupted::Deadline),
        None => read,
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

    fn far_away() -> Instant {
        Instant::now() + Duration::from_secs(3600)
    }

    #[tokio::test]
    async fn stop_ends_reading_and_its_thread() {
        let (ended, reading) = endless();
        let (handle, mut stop) = StopHandle::new();
        // On the same thread as the reading's caller: it gets its turn although the reading goes on.
        let stopping = async { handle.stop(StopReason::GateClosed) };
        let (read, ()) = tokio::join!(read_apart(reading, &mut stop, far_away()), stopping);
        assert_eq!(
            read.unwrap_err(),
            ReadInterrupted::Stopped(StopReason::GateClosed)
        );
        assert!(has_ended(&ended));
    }

    #[tokio::test]
    async fn deadline_ends_reading_and_its_thread() {
        let (ended, reading) = endless();
        let read = read_apart(reading, &mut Stop::never(), Instant::now()).await;
        assert_eq!(read.unwrap_err(), ReadInterrupted::Deadline);
        assert!(has_ended(&ended));
    }

    /// The thread heard the stop, or the deadline, before the caller did.
    #[tokio::test]
    async fn reading_that_was_cut_off_says_why() {
        let (handle, stop) = StopHandle::new();
        let cut_off = || Ok(Err::<u64, _>(io::ErrorKind::TimedOut));
        let past = Instant::now();
        assert_eq!(
            ended(cut_off(), &stop, past),
            Err(ReadInterrupted::Deadline)
        );
        handle.stop(StopReason::LeaseLost);
        let stopped = Err(ReadInterrupted::Stopped(StopReason::LeaseLost));
        assert_eq!(ended(cut_off(), &stop, far_away()), stopped);
    }

    #[tokio::test]
    async fn dropped_caller_ends_the_thread() {
        let (ended, reading) = endless();
        let mut stop = Stop::never();
        let read = read_apart(reading, &mut stop, far_away());
        let dropped = tokio::time::timeout(Duration::from_millis(1), read).await;
        assert!(dropped.is_err() && has_ended(&ended));
    }

    #[tokio::test]
    async fn result_is_returned() {
        let read = read_apart(|_| 7, &mut Stop::never(), far_away()).await;
        assert_eq!(read, Ok(7));
    }
}
