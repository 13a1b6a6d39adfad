//! Reading an answer that is there in full. It may be large, and other calls of the same runner want to be heard meanwhile.

use std::{thread, time::Duration};

use dotwrap_invoke::{Stop, StopReason};
use tokio::{sync::oneshot, time::Instant};

/// What reading may take at least, however little is left of the call's time.
const READING: Duration = Duration::from_secs(5);

/// Why an answer was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// The runner says so.
    Stopped(StopReason),
    /// The call's time is over.
    Deadline,
    /// Whoever read it panicked.
    Broken,
}

/// When the reading ends at the latest of a call with this deadline.
pub(crate) fn end_of_reading(deadline: Instant) -> Instant {
    deadline.max(Instant::now() + READING)
}

/// Reads in a thread that nobody has to wait for, until a stop or the end at most.
pub(crate) async fn apart<T: Send + 'static>(
    reading: impl FnOnce() -> T + Send + 'static,
    stop: &mut Stop,
    end: Instant,
) -> Result<T, Unread> {
    let (done, read) = oneshot::channel();
    thread::spawn(move || {
        let _nobody_waits = done.send(reading());
    });
    tokio::select! {
        // A stop that is there already wins over an answer that was read at once.
        biased;
        reason = stop.given() => Err(Unread::Stopped(reason)),
        read = read => read.map_err(|_panicked| Unread::Broken),
        () = tokio::time::sleep_until(end) => Err(Unread::Deadline),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use dotwrap_invoke::StopHandle;

    use super::*;

    /// A reading that comes to no end as long as the sender lives.
    fn endless() -> (mpsc::Sender<()>, impl FnOnce() + Send + 'static) {
        let (end, ended) = mpsc::channel();
        (end, move || {
            let _no_sender_left = ended.recv();
        })
    }

    #[tokio::test]
    async fn a_stop_is_heard_while_an_answer_is_read() {
        let (_held, reading) = endless();
        let (handle, mut stop) = StopHandle::new();
        // On the same thread as the reading's caller: it gets its turn although the reading goes on.
        let stopping = async { handle.stop(StopReason::GateClosed) };
        let end = end_of_reading(Instant::now() + Duration::from_secs(3600));
        let (read, ()) = tokio::join!(apart(reading, &mut stop, end), stopping);
        assert_eq!(read, Err(Unread::Stopped(StopReason::GateClosed)));
    }

    #[tokio::test]
    async fn the_deadline_ends_the_reading() {
        let (_held, reading) = endless();
        let mut stop = Stop::never();
        let read = apart(reading, &mut stop, Instant::now()).await;
        assert_eq!(read, Err(Unread::Deadline));
    }

    #[tokio::test]
    async fn what_is_read_is_given() {
        let mut stop = Stop::never();
        let end = Instant::now() + Duration::from_secs(3600);
        let read = apart(|| 7, &mut stop, end).await;
        assert_eq!(read, Ok(7));
    }
}
