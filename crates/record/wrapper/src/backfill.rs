//! Evidence that other sources assert: with the asserting actor and the digest of the source.

use serde_json::Value as Json;

use crate::{Wrapper, database::Call, error::Error, refusal_log::RefusalContext, types::Actor};

/// How many rows one call takes at most: large enough that the round trip does not count, small enough
/// that its transaction is short and its answer soon there.
const ROWS_A_CALL: usize = 500;

/// How many bytes of JSON one call takes at most, one row always going.
const BYTES_A_CALL: usize = 1 << 20;

/// Where the rows come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackfillSource {
    /// What names the source, at most 2 000 characters: a path, a URL, a query.
    pub source_ref: String,
    /// The SHA-256 of what was read from it, in 64 lower-case hex digits.
    pub source_sha256: String,
}

/// How far a backfill has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct BackfillProgress {
    /// How many rows were sent.
    pub rows: u64,
    /// How many of them were new.
    pub written: u64,
}

/// A backfill under way: takes rows one by one and sends them in batches, so that a source need not fit
/// into memory.
///
/// Each batch is a transaction of its own. A backfill that breaks off can be begun anew with the same
/// source: rows that are there already are left alone.
#[derive(Debug)]
#[must_use = "the last batch is only sent by `finish`"]
pub struct Backfill {
    wrapper: Wrapper,
    source: BackfillSource,
    actor: Option<Actor>,
    batch: Vec<Json>,
    batch_bytes: usize,
    progress: BackfillProgress,
}

impl Wrapper {
    /// Begins a backfill.
    ///
    /// A row is an object with `dot_code`, `process_candidate_code` and `correlation_id`, and optionally `status` (a
    /// stored status of a header, by default `completed`), `idempotency_key`, `process_run_id`, `input_ref`,
    /// `output_ref`, `error_ref`, `evidence_ref`, `started_at`, `ended_at`. Any other member is stored under
    /// `evidence_ref.asserted`.
    pub fn backfill(&self, source: BackfillSource, actor: Option<Actor>) -> Backfill {
        Backfill {
            wrapper: self.clone(),
            actor: actor.or_else(|| self.actor().cloned()),
            source,
            batch: Vec::new(),
            batch_bytes: 0,
            progress: BackfillProgress::default(),
        }
    }
}

impl Backfill {
    /// Takes a row, and sends the batch when it is full.
    ///
    /// # Errors
    /// An error of the batch that was sent: refused as `backfill_row_invalid`, `unknown_dot`, `source_required`,
    /// `actor_required`, `idempotency_conflict`, …, with the row's number within the batch in `detail.row`;
    /// [`Backfill::progress`] has the number of rows before it.
    pub async fn push(&mut self, row: Json) -> Result<(), Error> {
        let bytes = row.to_string().len();
        if self.batch.len() >= ROWS_A_CALL || self.batch_bytes + bytes > BYTES_A_CALL {
            self.send().await?;
        }
        self.batch.push(row);
        self.batch_bytes += bytes;
        Ok(())
    }

    /// Sends the remaining rows and returns the progress.
    ///
    /// # Errors
    /// As [`Backfill::push`].
    pub async fn finish(mut self) -> Result<BackfillProgress, Error> {
        self.send().await?;
        Ok(self.progress)
    }

    /// How far it has come.
    pub fn progress(&self) -> BackfillProgress {
        self.progress
    }

    async fn send(&mut self) -> Result<(), Error> {
        // Even an empty source is judged once: its digest and its asserter.
        if self.batch.is_empty() && self.progress.rows > 0 {
            return Ok(());
        }
        let rows = std::mem::take(&mut self.batch);
        self.batch_bytes = 0;
        let count = rows.len() as u64;
        let call = Call::to("fn_process_backfill")
            .with("p_rows", Json::Array(rows))
            .with("p_actor", self.actor.as_ref())
            .with("p_source_ref", self.source.source_ref.as_str())
            .with("p_source_sha256", self.source.source_sha256.as_str())
            .idempotent();
        let about = RefusalContext {
            actor: self.actor.as_ref(),
            ..RefusalContext::default()
        };
        let outcome = self.wrapper.database.value::<i64>(&call).await;
        let written = self.wrapper.recording_refusal(about, outcome).await?;
        self.progress.rows += count;
        self.progress.written += u64::try_from(written).unwrap_or(0);
        Ok(())
    }
}
