//! The way to the database and back.

use serde_json::Value as Json;
use tokio::sync::oneshot;
use tokio_postgres::Row;

use super::{
    Landed,
    traffic::{Call, Waiting},
};
use crate::{database::Database, error::Error};

impl Database {
    /// Makes one call of a function that takes several, with whichever others wait for a lane. `None`: the function left it undone, and
    /// nothing of it is written.
    pub(in crate::database) async fn travel(
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
        self.lane().enter(self, call).await.unwrap_or_else(gone)
    }

    /// Makes the calls in one statement: each caller, with what became of its call. Where everybody has given up, the statement is as well.
    pub(super) async fn carry(
        &self,
        company: Vec<Waiting>,
    ) -> Vec<(oneshot::Sender<Landed>, Landed)> {
        let Some(function) = company.first().map(|first| first.call.function) else {
            return Vec::new();
        };
        let (calls, mut company): (Vec<_>, Vec<_>) = company
            .into_iter()
            .map(|waiting| (waiting.call.arguments, waiting.landed))
            .unzip();
        let given_up = async {
            for landed in &mut company {
                landed.closed().await;
            }
        };
        let outcome = tokio::select! {
            outcome = self.send_together(function, Json::Array(calls)) => outcome,
            () = given_up => return Vec::new(),
        };
        let mut answers: Vec<Landed> = company.iter().map(|_| Ok(None)).collect();
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
                tracing::debug!(%error, calls = company.len(), "calls that went together failed");
                for answer in &mut answers {
                    *answer = lost(&error).map_or(Ok(None), Err);
                }
            }
        }
        company.into_iter().zip(answers).collect()
    }
}

/// An error after which nobody knows whether the statement was carried out, or that another statement would meet as well; once for each
/// who went with it. After any other nothing was written, and the call is made by itself.
fn lost(error: &Error) -> Option<Error> {
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
