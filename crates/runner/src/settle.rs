//! What became of a recording whose answer was lost.
//!
//! Each recording is one transaction, so it happened as a whole or not at all. It is made again until the database says
//! which: where the first had come through, the second is told the same, or refused.

use std::time::Duration;

use dotwrap_wrapper::{Error, RefusalCode};
use tokio::time::{Instant, sleep};

/// The pause between two tries.
const PAUSE: Duration = Duration::from_millis(250);

/// What is known of a recording in the end.
#[derive(Debug)]
pub(crate) enum Settled<T> {
    /// It was made, and this is its answer.
    Made(T),
    /// It was made by a try whose answer was lost.
    MadeBefore,
    /// It was not made.
    NotMade(Error),
}

/// Makes a recording, and again while nobody knows whether it was made, for so long.
pub(crate) async fn settle<T, Recording>(
    patience: Duration,
    recording: impl Fn() -> Recording,
) -> Settled<T>
where
    Recording: Future<Output = Result<T, Error>>,
{
    let begun = Instant::now();
    let mut is_in_doubt = false;
    loop {
        let error = match recording().await {
            Ok(answer) => return Settled::Made(answer),
            Err(error) => error,
        };
        if is_in_doubt && says_made_before(&error) {
            return Settled::MadeBefore;
        }
        if !may_pass(&error) || begun.elapsed() >= patience {
            return Settled::NotMade(error);
        }
        tracing::debug!(%error, "a recording did not come through, or its answer was lost; trying again");
        is_in_doubt |= error.refusal().is_none();
        sleep(PAUSE).await;
    }
}

/// Whether the refusal of a repetition says that the first one had come through.
fn says_made_before(error: &Error) -> bool {
    error.refusal().is_some_and(|refusal| {
        [
            RefusalCode::RunConcluded,
            RefusalCode::IdInUse,
            RefusalCode::InvocationMismatch,
        ]
        .contains(&refusal.code)
    })
}

/// What is refused was not made, and is refused again; but for what somebody else's transaction is just in the way of.
fn may_pass(error: &Error) -> bool {
    match error.refusal() {
        Some(refusal) => [RefusalCode::Busy, RefusalCode::LeaseHeld].contains(&refusal.code),
        None => error.is_passing(),
    }
}
