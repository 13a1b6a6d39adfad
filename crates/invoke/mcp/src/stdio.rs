//! A server that is a process of ours, spoken to over its standard input and output.

use std::{
    io,
    path::Path,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use dotwrap_invoke::Stop;
use dotwrap_supervisor::{Limits, Report, Status, SupervisedProcess};
use rmcp::{
    RoleClient,
    transport::{Transport, async_rw::AsyncRwTransport},
};
use serde_json::json;
use tokio::{
    io::{AsyncRead, ReadBuf},
    time::timeout,
};

use crate::{byte_budget::ByteBudget, evidence::Evidence};

/// How long a server may take to end by itself once its standard input has ended, as the protocol asks of it.
const SHUTDOWN_GRACE: Duration = Duration::from_millis(300);

/// How long it may take after it was told that the call is cancelled.
const AFTER_CANCELLATION: Duration = Duration::from_millis(100);

/// How much longer than its grace a supervisor may take to end a server.
const SUPERVISOR_TIMEOUT: Duration = Duration::from_secs(5);

/// How many names a list has at most.
const NAMED: usize = 8;

/// The protocol's connection to a process. Its end is the end of the process's standard input.
pub(crate) fn transport(
    server: &mut SupervisedProcess,
    allowance: &ByteBudget,
) -> Option<impl Transport<RoleClient, Error = io::Error> + 'static> {
    let stdin = server.stdin.take()?;
    let stdout = Metered {
        source: server.stdout.take()?,
        allowance: allowance.clone(),
    };
    let most = usize::try_from(allowance.limit()).unwrap_or(usize::MAX);
    // One message may not be longer than all of them; the library's own limit would drop it in silence.
    Some(AsyncRwTransport::new_client(stdout, stdin).with_max_line_length(most.saturating_add(1)))
}

/// How a server is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shutdown {
    /// It answered; it may end by itself.
    Orderly,
    /// The call was interrupted.
    AtOnce,
}

/// Ends a server and everything that it has started.
pub(crate) async fn end(
    mut server: SupervisedProcess,
    farewell: Shutdown,
    limits: &Limits,
    stop: &mut Stop,
) -> Report {
    let by_itself = match farewell {
        Shutdown::Orderly => SHUTDOWN_GRACE,
        Shutdown::AtOnce => AFTER_CANCELLATION,
    };
    if let Ok(report) = timeout(by_itself, server.wait()).await {
        return report;
    }
    server.stop();
    let ended = tokio::select! {
        biased;
        () = stop.urgent() => None,
        ended = timeout(limits.grace() + SUPERVISOR_TIMEOUT, server.wait()) => Some(ended),
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            let grace = limits.short_grace();
            server.stop_within(grace);
            timeout(grace + SUPERVISOR_TIMEOUT, server.wait()).await
        }
    };
    match ended {
        Ok(report) => report,
        Err(_elapsed) => server.kill_and_wait().await,
    }
}

/// Adds what is known of the process, under the names that the command engine uses. What it printed is in files of the
/// call's folder.
pub(crate) fn note(facts: &mut Evidence, report: &Report, limits: &Limits, stderr: &Path) {
    let reached: Vec<&str> = report.limits_reached(limits).collect();
    if !reached.is_empty() {
        let message = format!(
            "a limit of the contract was reached: {}",
            reached.join(", ")
        );
        facts.warn("limit_reached", &message);
    }
    facts.note("duration_ms", report.duration_ms);
    facts.note("usage", json!(report.usage));
    facts.note(
        "stderr",
        json!({
            "file": stderr,
            "bytes": report.stderr.bytes,
            "kept_bytes": report.stderr.kept_bytes,
        }),
    );
    match report.status {
        Some(Status::Exited(status)) => facts.note("exit_status", status),
        Some(Status::Signalled(signal)) => facts.note("signal", signal),
        None => {}
    }
    for (name, processes) in [
        ("lingering_processes", &report.leftover),
        ("unkilled_processes", &report.survived),
    ] {
        if !processes.is_empty() {
            let names = processes
                .iter()
                .take(NAMED)
                .map(|process| process.name.as_str());
            let names: Vec<&str> = names.collect();
            facts.note(name, json!({ "count": processes.len(), "names": names }));
        }
    }
    if !report.left_running.is_empty() {
        let left = report.left_running.iter().take(NAMED);
        let left: Vec<_> = left
            .map(|process| json!({ "process": process.process, "name": process.name }))
            .collect();
        let count = report.left_running.len();
        facts.note("left_running", json!({ "count": count, "processes": left }));
    }
    if !report.leftover.is_empty() {
        let count = report.leftover.len();
        let message = format!("processes ran on after it had ended, and were ended: {count}");
        facts.warn("leftover_processes", &message);
    }
    if !report.signals_sent.is_empty() {
        facts.note("signals_sent", report.signals_sent.clone());
    }
}

/// Standard output, with everything that comes counted.
struct Metered<R> {
    source: R,
    allowance: ByteBudget,
}

impl<R: AsyncRead + Unpin> AsyncRead for Metered<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // Whoever sent too much is not read from any more.
        if self.allowance.is_exceeded() {
            return Poll::Ready(Err(io::ErrorKind::FileTooLarge.into()));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.source).poll_read(context, buffer))?;
        self.allowance.take(buffer.filled().len() - before);
        Poll::Ready(Ok(()))
    }
}
