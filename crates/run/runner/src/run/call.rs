//! One call of one member of the pair.

use std::{path::Path, pin::pin, time::Duration};

use dotwrap_invoke::{Answer, ReadProgress, Space, StopReason, ToolCall};
use dotwrap_wrapper::{ComponentRole, ComponentRunId, Verdict};
use jiff::Timestamp;
use serde_json::{Value as Json, json};
use tokio::time::{Instant, interval_at};
use url::Url;
use uuid::Uuid;

use super::{execution::Execution, input_file::InputFile};
use crate::{
    Step,
    assess::{self, Assessment, VerifiedOutput},
    checking::check,
    place::Place,
};

/// Free disk space in bytes below which a failed call may have failed because the disk was full.
const LITTLE_SPACE: u64 = 1 << 20;

/// How often a long reading is reported.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(5);

/// A finished call: its times and its assessment.
pub(super) struct CallResult {
    pub(super) component_run_id: ComponentRunId,
    pub(super) started_at: Timestamp,
    pub(super) ended_at: Timestamp,
    pub(super) judged: Assessment,
}

impl Execution<'_> {
    /// Calls one member of the pair and assesses its answer.
    pub(super) async fn call(
        &self,
        role: ComponentRole,
        invocation_id: Uuid,
        subject: VerifiedOutput,
    ) -> CallResult {
        let side = self.prepared.side(role);
        let call = ToolCall {
            dot_code: side.dot_code.clone(),
            role,
            mode: self.prepared.mode,
            process_run_id: self.begun.process_run_id(),
            component_run_id: ComponentRunId::mint(),
            invocation_id,
            correlation_id: self.begun.correlation_id().clone(),
            contract: side.contract.clone(),
            fixture: side.fixture.clone(),
            input_ref: self.order.input_ref.clone(),
            input_digest: self.order.input_digest.clone(),
            produced: subject.produced.clone(),
            verified_bytes: self.verified_bytes,
            reading: ReadProgress::default(),
            output_path: self
                .output_path
                .clone()
                .filter(|_| role == ComponentRole::Producer),
            folder: self.folder.of_call(role),
        };
        self.progress.step(Step::Calling {
            role,
            dot_code: &side.dot_code,
        });
        let place = self.watch_place(&call);
        let started_at = self.clock.now();
        let answer = self.answer(role, &call).await;
        let ended_at = self.clock.now();
        self.progress.step(Step::Called {
            role,
            answer: &answer,
        });
        let stop = self.guard.stop();
        let checking = check(self.prepared, role, &answer, &subject, stop, &call.reading);
        let mut checked = self.with_progress(role, &call.reading, checking).await;
        if let (Some(place), Ok(read)) = (place, &mut checked)
            && answer.verdict == Some(Verdict::Pass)
        {
            read.change = read.change.take().or_else(|| place.change());
        }
        let mut judged = match role {
            ComponentRole::Producer => assess::of_producer(self.prepared, answer, checked),
            ComponentRole::Verifier => {
                assess::of_verifier(self.prepared, answer, &subject, checked)
            }
        };
        self.note(&call.folder, &mut judged);
        self.note_input(role, &mut judged).await;
        CallResult {
            component_run_id: call.component_run_id,
            started_at,
            ended_at,
            judged,
        }
    }

    /// Watches the path of the output while the verifier is called. Where the output is in the run's folder, it creates
    /// the call's own folder first, because that changes the run's folder.
    fn watch_place(&self, call: &ToolCall) -> Option<Place> {
        let produced = call.produced.as_ref()?;
        if produced.output.path.starts_with(self.folder.path())
            && let Err(error) = call.make_folder()
        {
            // The invoker reports this as well where it needs the folder.
            tracing::debug!(%error, "no folder for the verifier");
        }
        Some(Place::watch(&produced.output.path, self.folder.path()))
    }

    /// Evidence that this machine adds: that its clock was not used, and that its disk is full where a call failed.
    fn note(&self, folder: &Path, judged: &mut Assessment) {
        if let Some(offset) = self.clock.offset_ms() {
            judged
                .evidence
                .insert("clock_offset_ms".to_owned(), json!(offset));
        }
        let is_stopped = self.guard.stop().reason() == Some(StopReason::DiskFull);
        let space = Space::at(folder).ok().filter(|space| {
            !judged.is_done() && (is_stopped || space.free < LITTLE_SPACE || space.is_out_of_files)
        });
        if let Some(space) = space {
            judged
                .evidence
                .insert("disk_full".to_owned(), json!(space.to_string()));
            judged.blame_disk();
        }
    }

    /// Evidence of what the input was and is. A verifier's has it only where it changed.
    async fn note_input(&self, role: ComponentRole, judged: &mut Assessment) {
        let Some(before) = &self.input else {
            return;
        };
        let now = InputFile::of(self.order.input()).await;
        if role == ComponentRole::Producer || before.is_changed(now.as_ref()) {
            before.note(now.as_ref(), &mut judged.evidence);
        }
    }

    /// Reports how far the reading of an output is, where it takes long.
    async fn with_progress<T>(
        &self,
        role: ComponentRole,
        reading: &ReadProgress,
        work: impl Future<Output = T>,
    ) -> T {
        let mut work = pin!(work);
        let mut last = reading.bytes();
        let mut ticks = interval_at(Instant::now() + PROGRESS_INTERVAL, PROGRESS_INTERVAL);
        loop {
            tokio::select! {
                done = &mut work => return done,
                _ = ticks.tick() => {
                    let bytes = reading.bytes();
                    if bytes != last {
                        last = bytes;
                        self.progress.step(Step::Reading { role, bytes });
                    }
                }
            }
        }
    }

    /// Returns the invoker's answer. Reports a stop request while the call is being stopped.
    async fn answer(&self, role: ComponentRole, call: &ToolCall) -> Answer {
        let mut stop = self.guard.stop();
        let invoker = &self.prepared.side(role).invoker;
        let mut answer =
            pin!(self.with_progress(role, &call.reading, invoker.invoke(call, stop.clone())));
        tokio::select! {
            answer = &mut answer => return answer,
            reason = stop.cancelled() => self.progress.step(Step::Stopping { reason }),
        }
        answer.await
    }
}

impl CallResult {
    pub(super) fn output_ref(&self) -> Option<String> {
        let path = &self.judged.output.as_ref()?.path;
        // Percent-encoded, so that every file name can be restored, also one that is not UTF-8.
        Some(match Url::from_file_path(path) {
            Ok(address) => address.into(),
            Err(()) => format!("file:{}", path.display()),
        })
    }

    pub(super) fn summary(&self) -> Json {
        json!({
            "component_run_id": self.component_run_id,
            "status": self.judged.status,
            "verdict": self.judged.verdict,
            "output_ref": self.output_ref(),
            "output_digest": self.judged.digest(),
            "evidence": self.judged.evidence,
        })
    }
}
