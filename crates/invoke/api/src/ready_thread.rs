//! Threads that exist before they are needed.

use std::{
    io,
    sync::{Mutex, PoisonError, mpsc},
    thread,
};

use tokio::sync::oneshot;

type Work = Box<dyn FnOnce() + Send>;

/// How many threads without work the process keeps for the next [`ReadyThread::new`].
const MAX_IDLE: usize = 4;

static IDLE: Mutex<Vec<mpsc::Sender<Work>>> = Mutex::new(Vec::new());

/// A thread that waits for its work. It is made before a tool is started: an account that is at its limit of processes
/// by then, perhaps because of the tool, gets no other. A thread that has done its work is kept for another one.
#[derive(Debug)]
pub struct ReadyThread(mpsc::Sender<Work>);

impl ReadyThread {
    /// Takes an idle thread, or makes one.
    ///
    /// # Errors
    /// The system gives no thread: the account or its control group is at its limit of processes.
    pub fn new() -> io::Result<Self> {
        let idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some(idle) = idle {
            return Ok(Self(idle));
        }
        let (give, work) = mpsc::channel::<Work>();
        // The thread ends when the last sender is dropped: by the user, or because enough threads are idle.
        thread::Builder::new().spawn(move || {
            while let Ok(work) = work.recv() {
                work();
            }
        })?;
        Ok(Self(give))
    }

    /// Has it do this. Nobody has to wait for the result; there is none where the work panics, which ends the thread.
    pub fn run<T: Send + 'static>(
        self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> oneshot::Receiver<T> {
        let (done, result) = oneshot::channel();
        let thread = self.0.clone();
        let _it_waits = self.0.send(Box::new(move || {
            let value = work();
            keep(thread);
            let _nobody_waits = done.send(value);
        }));
        result
    }
}

/// Keeps a thread whose work is done, unless enough are kept.
fn keep(thread: mpsc::Sender<Work>) {
    let mut idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner);
    if idle.len() < MAX_IDLE {
        idle.push(thread);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn panic_leaves_no_result_and_no_idle_thread() {
        let broken = ReadyThread::new().unwrap();
        let panicking = broken.run(|| -> u8 { panic!("for a test") });
        assert!(panicking.await.is_err());
        for _ in 0..2 * MAX_IDLE {
            let value = ReadyThread::new().unwrap().run(|| 7).await;
            assert_eq!(value, Ok(7));
        }
        assert!(IDLE.lock().unwrap().len() <= MAX_IDLE);
    }
}
