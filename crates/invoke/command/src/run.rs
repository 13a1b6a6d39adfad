//! A call underway: its output is read, and it is ended when it has to be.

use std::{io, time::Duration};

use dotwrap_invoke::{Failure, ReadyThread, Stop, StopReason};

use tokio::time::Instant;

use dotwrap_supervisor::{
    CallFiles, Launch, PendingDigests, Report, Stdin, SupervisedProcess, Supervisor, new_file,
};

use crate::{
    capture::{Capture, CaptureEnd, Captured},
    prepare::Prepared,
};

/// How long after the grace the supervisor may still report. Then it counts as lost: a tool of a real run can stop it.
const SUPERVISOR_GRACE: Duration = Duration::from_secs(8);

/// How long the output's end is waited for when everything has ended: only somebody whom the tool handed it to can
/// still hold it open.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);

/// What became of a call.
pub(crate) struct CompletedCall {
    pub(crate) launch: Launch,
    pub(crate) report: Report,
    pub(crate) stdout: io::Result<Captured>,
    pub(crate) stdout_end: Option<CaptureEnd>,
    pub(crate) stopped: Option<StopReason>,
    /// Reads the output.
    pub(crate) reader: Option<ReadyThread>,
    /// Reads the files that the call began with.
    pub(crate) digests: Option<PendingDigests>,
}

/// Starts the tool and waits until nothing of it runs.
pub(crate) async fn run(
    supervisor: &Supervisor,
    prepared: &mut Prepared,
    stop: &mut Stop,
) -> Result<CompletedCall, Failure> {
    let file = new_file(&prepared.folder.stdout())
        .map_err(|error| Failure::new("folder_unusable", error.to_string()))?;
    let stdin = std::mem::replace(&mut prepared.stdin, Stdin::Nothing);
    prepared.program.leave = Some(stop.leave());
    // Before the tool is there, which could use up what the account may have of them.
    let no_thread = |error: io::Error| Failure::new("not_started", format!("no thread: {error}"));
    let writer = ReadyThread::new().map_err(no_thread)?;
    let reader = ReadyThread::new().map_err(no_thread)?;
    let (path, input) = (&prepared.program.path, prepared.input.take());
    let files = CallFiles::open(supervisor, path, input, stop)
        .await
        .map_err(no_thread)?;
    let mut supervised = supervisor
        .start(prepared.program.clone(), stdin)
        .await
        .map_err(|error| Failure::new(error.code.as_str(), error.why))?;
    let Some(source) = supervised.stdout.take() else {
        return Err(Failure::new("not_started", "it has no standard output"));
    };
    let digests = files.digest(stop.clone());
    let launch = supervised.launch().clone();
    let mut capture = Capture::start(source, file, prepared.program.limits.stdout_bytes(), writer);
    let (report, stopped) = watch(supervised, &mut capture, prepared, stop).await;
    let _somebody_holds_it = tokio::time::timeout(DRAIN_TIMEOUT, capture.read()).await;
    Ok(CompletedCall {
        launch,
        report,
        stdout_end: capture.end(),
        stdout: capture.finish().await,
        stopped,
        reader: Some(reader),
        digests: Some(digests),
    })
}

async fn watch(
    mut supervised: SupervisedProcess,
    capture: &mut Capture,
    prepared: &Prepared,
    stop: &mut Stop,
) -> (Report, Option<StopReason>) {
    let time_limit = prepared.program.time_limit.unwrap_or_default();
    let ending = prepared.program.limits.grace() + SUPERVISOR_GRACE;
    let wait_limit = tokio::time::sleep(time_limit + ending);
    tokio::pin!(wait_limit);
    let (mut stopped, mut is_hurried) = (None, false);
    let mut urgency = stop.clone();
    loop {
        tokio::select! {
            biased;
            reason = stop.cancelled(), if stopped.is_none() => {
                stopped = Some(reason);
                supervised.stop();
            }
            () = urgency.urgent(), if stopped.is_some() && !is_hurried => {
                is_hurried = true;
                supervised.stop_within(prepared.program.limits.short_grace());
            }
            report = supervised.wait() => return (report, stopped),
            end = capture.read(), if capture.end().is_none() => {
                if end == CaptureEnd::Complete {
                    continue;
                }
                supervised.stop();
            }
            () = &mut wait_limit => return (supervised.kill_and_wait().await, stopped),
        }
        wait_limit.as_mut().reset(Instant::now() + ending);
    }
}
