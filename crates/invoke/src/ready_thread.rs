//! Threads that are there before they are needed.

use std::{io, sync::mpsc, thread};

use tokio::sync::oneshot;

type Work = Box<dyn FnOnce() + Send>;

/// A thread that waits for its work. It is made before a tool is started: an account that is at its limit of processes by then, perhaps
/// because of the tool, gets no other. Dropping it ends it.
#[derive(Debug)]
pub struct ReadyThread(mpsc::Sender<Work>);

impl ReadyThread {
    /// Makes the thread.
    ///
    /// # Errors
    /// The system gives no thread: the account or its control group is at its limit of processes.
    pub fn new() -> io::Result<Self> {
        let (give, work) = mpsc::channel::<Work>();
        thread::Builder::new().spawn(move || {
            if let Ok(work) = work.recv() {
                work();
            }
        })?;
        Ok(Self(give))
    }

    /// Has it do this. Nobody has to wait for the result; there is none where the work panics.
    pub fn run<T: Send + 'static>(
        self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> oneshot::Receiver<T> {
        let (done, result) = oneshot::channel();
        let _it_waits = self.0.send(Box::new(move || {
            let _nobody_waits = done.send(work());
        }));
        result
    }
}
