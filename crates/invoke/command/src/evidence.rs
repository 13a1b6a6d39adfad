//! What is kept of a call beside its answer: small, and nothing that the tool or the runner's environment may have put
//! a secret into. What it printed stays in files.

use std::path::Path;

use dotwrap_invoke::{Answer, current_mounts};
use dotwrap_types::ComponentRole;
use serde_json::{Value as Json, json};

use dotwrap_supervisor::{EndReason, LeftProcess, RemainingProcess, Report, Status};

use crate::{
    capture::CaptureEnd, output_source::OutputSource, prepare::Prepared, run::CompletedCall,
};

/// How many names a list has at most.
const MAX_LISTED: usize = 8;

pub(crate) fn add(mut answer: Answer, prepared: &Prepared, ran: &CompletedCall) -> Answer {
    let report = &ran.report;
    let argv = (prepared.program).recorded_argv(&prepared.spec.program.secrets());
    if argv.is_cut {
        answer = answer.with("argv_cut", true);
    }
    let facts = [
        ("program", json!(prepared.program.path)),
        ("argv", json!(argv.argv)),
        ("duration_ms", json!(report.duration_ms)),
        ("usage", json!(report.usage)),
        ("stdout", stdout(prepared, ran)),
        ("stderr", stderr(prepared, report)),
        ("sandbox", json!(ran.launch.sandbox)),
        ("limits", limits(prepared, ran)),
    ];
    for (name, fact) in facts {
        answer = answer.with(name, fact);
    }
    if prepared.role == ComponentRole::Producer {
        answer = answer.with("output_kind", prepared.spec.output.kind());
        answer = add_output(answer, prepared);
    }
    let reached = limits_reached(prepared, ran);
    if !reached.is_empty() {
        let message = format!(
            "a limit of the contract was reached: {}",
            reached.join(", ")
        );
        answer = answer.warning("limit_reached", &message);
    }
    if let Some(links) = answer.output.as_ref().map(|output| output.hard_links)
        && links > 0
    {
        answer = answer.with("output_hard_links", links);
    }
    if let Some(special) = answer.output.as_ref().map(|output| output.special)
        && special > 0
    {
        answer = answer.with("output_special_entries", special);
    }
    let mounted = mounted_at(&prepared.output);
    if !mounted.is_empty() {
        answer = answer.with("output_mounts", mounted);
    }
    if ran.launch.sandbox.is_incomplete() {
        answer = answer.with("sandbox_incomplete", true);
        answer = answer.warning("sandbox_incomplete", "the dry run had no complete sandbox");
    }
    match report.status {
        Some(Status::Exited(status)) => answer = answer.with("exit_status", status),
        Some(Status::Signalled(signal)) => answer = answer.with("signal", signal),
        None => {}
    }
    if !report.leftover.is_empty() {
        answer = answer.with("lingering_processes", named(&report.leftover));
        let message = format!(
            "processes ran on after it had ended, and were ended: {}",
            report.leftover.len()
        );
        answer = answer.warning("leftover_processes", &message);
    }
    if !report.left_running.is_empty() {
        answer = answer.with("left_running", left_running(&report.left_running));
    }
    if !report.survived.is_empty() {
        answer = answer.with("unkilled_processes", named(&report.survived));
    }
    if !report.signals_sent.is_empty() {
        answer = answer.with("signals_sent", report.signals_sent.clone());
    }
    if !prepared.environment_missing.is_empty() {
        answer = answer.with("environment_missing", prepared.environment_missing.clone());
        let names = prepared.environment_missing.join(", ");
        let message = format!("the runner's environment lacks {names}");
        answer = answer.warning("environment_missing", &message);
    }
    answer
}

/// What a reference says, and what a failed call left at the path of its contract: nobody else removes it.
fn add_output(mut answer: Answer, prepared: &Prepared) -> Answer {
    if !answer.fields.is_empty() {
        let fields = json!(answer.fields);
        answer = answer.with("output_fields", fields);
    }
    let is_there = || prepared.output.symlink_metadata().is_ok();
    let is_of_contract = matches!(prepared.spec.output, OutputSource::Path(_));
    if answer.output.is_none() && is_of_contract && is_there() {
        answer = answer.with("output_left", prepared.output.to_string_lossy().as_ref());
    }
    answer
}

/// What is mounted at the output, or in it: what is read there is not what lies there, and may be gone the next time.
fn mounted_at(output: &Path) -> Vec<String> {
    let output = output.canonicalize().unwrap_or_else(|_| output.to_owned());
    let all = current_mounts().unwrap_or_default();
    all.iter()
        .filter(|mount| mount.point.starts_with(&output))
        .take(MAX_LISTED)
        .map(|mount| mount.file_system.clone())
        .collect()
}

fn stdout(prepared: &Prepared, ran: &CompletedCall) -> Json {
    let captured = ran.stdout.as_ref().ok();
    json!({
        "file": prepared.folder.stdout(),
        "bytes": captured.map(|captured| captured.bytes),
        "digest": captured.and_then(|captured| captured.digest),
    })
}

fn stderr(prepared: &Prepared, report: &Report) -> Json {
    // The supervisor had counted.
    let counted = (report.why != EndReason::SupervisorLost).then_some(report.stderr);
    json!({
        "file": prepared.folder.stderr(),
        "bytes": counted.map(|counted| counted.bytes),
        "kept_bytes": counted.map(|counted| counted.kept_bytes),
    })
}

/// The limits that ended the call, or that cut something off.
fn limits_reached(prepared: &Prepared, ran: &CompletedCall) -> Vec<&'static str> {
    let is_cut = ran.stdout_end == Some(CaptureEnd::TooLarge);
    let stdout = is_cut.then_some("stdout_bytes");
    let others = ran.report.limits_reached(&prepared.program.limits);
    stdout.into_iter().chain(others).collect()
}

fn limits(prepared: &Prepared, ran: &CompletedCall) -> Json {
    let struck = limits_reached(prepared, ran);
    let not_enforced = [&ran.launch.not_enforced[..], &ran.report.not_enforced].concat();
    json!({
        "set": prepared.program.limits,
        "limit_reached": struck,
        "not_enforced": not_enforced,
    })
}

/// With their ids: they are what somebody looks for later.
fn left_running(processes: &[LeftProcess]) -> Json {
    let listed = processes.iter().take(MAX_LISTED);
    let listed: Vec<Json> = listed
        .map(|process| json!({ "process": process.process, "name": process.name }))
        .collect();
    json!({ "count": processes.len(), "processes": listed })
}

fn named(processes: &[RemainingProcess]) -> Json {
    let names: Vec<&str> = processes
        .iter()
        .take(MAX_LISTED)
        .map(|process| process.name.as_str())
        .collect();
    json!({ "count": processes.len(), "names": names })
}
