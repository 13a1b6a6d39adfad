//! Sends batches to the database and distributes their results.

use serde_json::Value as Json;
use tokio::sync::oneshot;
use tokio_postgres::Row;

use super::{
    CallResult,
    queue::{Call, PendingCall},
};
use crate::{database::Database, error::Error};

impl Database {
    /// Makes one call of a batch function, together with other queued calls. `None` where the function skipped the call
    /// and wrote nothing of it.
    pub(in crate::database) async fn submit_to_batch(
        &self,
        function: &'static str,
        arguments: Json,
    ) -> Result<Option<Row>, Error> {
        let call = Call {
            function,
            arguments,
        };
        let gone = |_| {
            Err(Error::Unreachable {
                target: self.target().to_string(),
                reason: "the task that made the call ended".to_owned(),
            })
        };
        self.batcher()
            .enqueue(self, call)
            .await
            .unwrap_or_else(gone)
    }

    /// Executes the calls in one statement, and returns each caller with the result of its call. Cancels the statement
    /// once every caller is gone.
    pub(super) async fn execute_batch(
        &self,
        batch: Vec<PendingCall>,
    ) -> Vec<(oneshot::Sender<CallResult>, CallResult)> {
        let Some(function) = batch.first().map(|first| first.call.function) else {
            return Vec::new();
        };
        let (calls, mut callers): (Vec<_>, Vec<_>) = batch
            .into_iter()
            .map(|pending| (pending.call.arguments, pending.reply))
            .unzip();
        let all_gone = async {
            for reply in &mut callers {
                reply.closed().await;
            }
        };
        let outcome = tokio::select! {
            outcome = self.send_batch(function, Json::Array(calls)) => outcome,
            () = all_gone => return Vec::new(),
        };
        let mut answers: Vec<CallResult> = callers.iter().map(|_| Ok(None)).collect();
        match outcome {
            Ok(rows) => {
                for row in rows {
                    let place = row.try_get::<_, i64>("call_number").ok();
                    let place = place.and_then(|number| usize::try_from(number - 1).ok());
                    if let Some(answer) = place.and_then(|place| answers.get_mut(place)) {
                        *answer = Ok(Some(row));
                    }
                }
            }
            Err(error) => {
                tracing::debug!(%error, calls = callers.len(), "calls that went together failed");
                for answer in &mut answers {
                    *answer = error_for_each(&error).map_or(Ok(None), Err);
                }
            }
        }
        callers.into_iter().zip(answers).collect()
    }
}

/// An error after which the outcome of the statement is unknown, or that a further statement would meet as well, cloned
/// for each call of the batch. After any other error nothing was written, and each call is repeated alone.
fn error_for_each(error: &Error) -> Option<Error> {
    match error {
        Error::Unreachable { target, reason } => Some(Error::Unreachable {
            target: target.clone(),
            reason: reason.clone(),
        }),
        Error::NoSlot { target, reason } => Some(Error::NoSlot {
            target: target.clone(),
            reason: reason.clone(),
        }),
        &Error::TimedOut {
            limit,
            known_undone: false,
        } => Some(Error::TimedOut {
            limit,
            known_undone: false,
        }),
        &Error::PoolExhausted { waited } => Some(Error::PoolExhausted { waited }),
        Error::Database {
            sqlstate: None,
            message,
            ..
        } => Some(Error::Answer(message.clone())),
        _ => None,
    }
}
