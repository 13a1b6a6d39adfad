//! What the evidence of an executed call says, in lines. The evidence is small and made by the runner; what is not in
//! it is left out.
use dotwrap_wrapper::{Component, EvidenceType};
use serde_json::Value as Json;

use super::Layer;
use crate::labels;

/// What a real call's part lacks that an invoker always records, if anything: the database takes it from the login that
/// holds lease and receipt, called or not. `verify` warns of the same (`parts_lack_an_invokers_record`).
pub(super) fn lacks(component: &Component) -> Option<String> {
    if component.evidence_type != EvidenceType::RealRun {
        return None;
    }
    let missing: Vec<&str> = [
        (
            component.evidence_ref.get("endpoint_ref").is_none(),
            "what was called",
        ),
        (component.started_at.is_none(), "when the call began"),
        (component.ended_at.is_none(), "when it ended"),
    ]
    .into_iter()
    .filter_map(|(is_missing, what)| is_missing.then_some(what))
    .collect();
    (!missing.is_empty()).then(|| {
        format!(
            "NO INVOKER'S RECORD: it does not say {}; only the login {} vouches for the call",
            missing.join(", "),
            component.recorded_by
        )
    })
}

/// Adds to a component's layer what is known of its call.
pub(super) fn add_facts(layer: Layer, evidence: &Json) -> Layer {
    let layer = inputs(warnings(layer, evidence), &evidence["input"])
        .field("called", called(evidence))
        .field("command", command(evidence))
        .field("program", digested(evidence, "program"))
        .field("input digest", digested(evidence, "input"))
        .field("ended", ended(evidence))
        .field("sandbox", sandbox(&evidence["sandbox"]))
        .field("incomplete", incomplete(evidence))
        .field("unlimited", listed(&evidence["limits"]["not_enforced"]))
        .field(
            "left behind",
            remaining_processes(&evidence["lingering_processes"]),
        )
        .field("left running", left_running(&evidence["left_running"]))
        .field(
            "not killed",
            remaining_processes(&evidence["unkilled_processes"]),
        )
        .field("pretended", mock_marker(evidence))
        .field("mocks", unsearched(&evidence["is_mock_search"]))
        .field("hints said", hints(evidence))
        .field("notes", text(&evidence["notes"]))
        .field("stderr", stderr(evidence))
        .field(
            "refers to",
            labels::reference_fields(&evidence["output_fields"]),
        )
        .field("left there", text(&evidence["output_left"]))
        .field("disk", text(&evidence["disk_full"]))
        .field("clock", clock(evidence))
        .field("no pass", listed(&evidence["not_passed_reasons"]))
        .field("failure", failure(&evidence["failure"]));
    let layer = stderr_tail(layer, evidence);
    add_stop(layer, &evidence["stop"]).field("outcome", text(&evidence["outcome"]))
}

/// The warnings come first. What has a line of its own is not repeated.
fn warnings(layer: Layer, evidence: &Json) -> Layer {
    let warnings = evidence["warnings"].as_array().into_iter().flatten();
    warnings.fold(layer, |layer, warning| {
        let code = text(&warning["code"]).unwrap_or_default();
        match code {
            "sandbox_incomplete" | "leftover_processes" => layer,
            _ => layer.field(
                "warning",
                Some(format!(
                    "{code}: {}",
                    text(&warning["message"]).unwrap_or_default()
                )),
            ),
        }
    })
}

/// The receipt of a stop: each thing that was told to end, that ended, and that may have happened.
fn add_stop(layer: Layer, stop: &Json) -> Layer {
    let layer = layer.field("stopped", text(&stop["reason"]));
    [
        ("signalled", "signals_sent"),
        ("exited", "exited"),
        ("possible", "possible_effects"),
    ]
    .into_iter()
    .fold(layer, |layer, (label, member)| {
        texts(&stop[member]).fold(layer, |layer, line| layer.field(label, Some(line)))
    })
}

fn called(evidence: &Json) -> Option<String> {
    if evidence["called"] == false {
        let what = match evidence["program_started"] {
            Json::Bool(true) => "its tool was not; the server's program was started",
            _ => "nothing was",
        };
        return Some(what.to_owned());
    }
    let endpoint = text(&evidence["endpoint_ref"])?;
    let tool = text(&evidence["tool"]).map(|tool| format!(", its tool {tool}"));
    Some(format!("{endpoint}{}", tool.unwrap_or_default()))
}

/// The arguments as a shell would be given them.
fn command(evidence: &Json) -> Option<String> {
    let argv: Vec<String> = texts(&evidence["argv"]).map(quoted).collect();
    let cut = match evidence["argv_cut"] == true {
        true => " … (cut)",
        false => "",
    };
    (!argv.is_empty()).then(|| format!("{}{cut}", argv.join(" ")))
}

fn quoted(argument: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "_@%+=:,./-".contains(letter);
    match !argument.is_empty() && argument.chars().all(is_plain) {
        true => argument.to_owned(),
        false => format!("'{}'", argument.replace('\'', "'\\''")),
    }
}

/// The digest of a file that the call began with, or why there is none.
fn digested(evidence: &Json, what: &str) -> Option<String> {
    let file = match what {
        "program" => text(&evidence["program"]).map(|path| format!("{path}, ")),
        _ => None,
    };
    let known = text(&evidence[format!("{what}_sha256")]).map(|digest| format!("sha256 {digest}"));
    let why = text(&evidence[format!("{what}_not_digested")]);
    let unknown = why.map(|why| format!("not digested: {}", why.replace('_', " ")));
    Some(format!(
        "{}{}",
        file.unwrap_or_default(),
        known.or(unknown)?
    ))
}

fn ended(evidence: &Json) -> Option<String> {
    let how = match (&evidence["exit_status"], &evidence["signal"]) {
        (Json::Number(status), _) => format!("with exit status {status}"),
        (_, Json::Number(signal)) => format!("by signal {signal}"),
        _ => match &evidence["http_status"] {
            Json::Number(status) => format!("with HTTP status {status}"),
            _ => return None,
        },
    };
    let after = evidence["duration_ms"]
        .as_u64()
        .map(|took| format!(", after {took} ms"));
    Some(format!("{how}{}", after.unwrap_or_default()))
}

/// How far the sandbox held.
pub(super) fn sandbox(sandbox: &Json) -> Option<String> {
    let writes = text(&sandbox["writes"])?;
    let word = |text: &str| text.replace('_', " ");
    let mechanism = match text(&sandbox["mechanism"])? {
        "none" => String::new(),
        mechanism => format!("{mechanism}: "),
    };
    let network = text(&sandbox["network"])
        .map(|network| format!(", network {}", word(network)))
        .unwrap_or_default();
    let is_unreadable = texts(&sandbox["unreadable"]).next().is_some();
    let is_exposed = texts(&sandbox["missing"]).any(|what| what.starts_with("secrets kept"));
    let ledger = match (is_exposed, is_unreadable) {
        (true, _) => ", the ledger's secrets readable",
        (false, true) => ", the ledger's secrets unreadable",
        (false, false) => "",
    };
    Some(format!(
        "{mechanism}writes {}{network}{ledger}",
        word(writes)
    ))
}

/// What the sandbox did not hold back of what it is there for.
fn incomplete(evidence: &Json) -> Option<String> {
    labels::is_sandbox_incomplete(evidence).then(|| {
        let missing: Vec<&str> = texts(&evidence["sandbox"]["missing"]).collect();
        format!(
            "NO COMPLETE SANDBOX: the tool could change more than its own folder; {}",
            missing.join("; ")
        )
    })
}

fn remaining_processes(processes: &Json) -> Option<String> {
    let count = processes["count"].as_u64()?;
    let names: Vec<&str> = texts(&processes["names"]).collect();
    let noun = if count == 1 { "process" } else { "processes" };
    Some(format!("{count} {noun}: {}", names.join(", ")))
}

/// Where the input led and what it was, before the call and, where it differs, after it.
fn inputs(layer: Layer, input: &Json) -> Layer {
    let seen = |when: &Json| {
        let path = text(&when["path"])?;
        Some(match (when["bytes"].as_u64(), text(&when["modified_at"])) {
            (Some(bytes), Some(modified)) => format!("{path}, {bytes} bytes, changed {modified}"),
            (Some(bytes), None) => format!("{path}, {bytes} bytes"),
            _ => path.to_owned(),
        })
    };
    let before = seen(&input["before"]);
    let after = seen(&input["after"]);
    let is_other = before.is_some() && after != before;
    let now = is_other.then(|| format!("now {}", after.unwrap_or_else(|| "not there".to_owned())));
    [before, now]
        .into_iter()
        .fold(layer, |layer, line| layer.field("input", line))
}

/// What was left with leave, by id.
fn left_running(left: &Json) -> Option<String> {
    let processes = left["processes"].as_array()?.iter();
    let listed: Vec<String> = processes
        .map(|process| {
            let name = text(&process["name"]).unwrap_or_default();
            format!("{name} (process {})", process["process"])
        })
        .collect();
    Some(format!("by the contract's leave: {}", listed.join(", ")))
}

/// Where what it printed on standard error is kept, if it printed any.
fn stderr(evidence: &Json) -> Option<String> {
    if let Some(why) = text(&evidence["transcripts_removed"]) {
        return Some(format!("removed, as is what it printed: {why}"));
    }
    let stderr = &evidence["stderr"];
    let is_any = stderr["kept_bytes"].as_u64().is_some_and(|kept| kept > 0);
    text(&stderr["file"]).filter(|_| is_any).map(str::to_owned)
}

/// How many lines of the end of standard error are shown.
const TAIL_LINES: usize = 10;

/// What the ledger has of the end of standard error.
fn stderr_tail(layer: Layer, evidence: &Json) -> Layer {
    let lines: Vec<&str> = text(&evidence["stderr_tail"])
        .unwrap_or_default()
        .lines()
        .collect();
    let last = &lines[lines.len().saturating_sub(TAIL_LINES)..];
    last.iter()
        .fold(layer, |layer, line| layer.field("said", Some(line)))
}

fn clock(evidence: &Json) -> Option<String> {
    let offset = evidence["clock_offset_ms"].as_i64()?;
    let seconds = offset.unsigned_abs() / 1000;
    let way = if offset < 0 { "ahead of" } else { "behind" };
    Some(format!(
        "the runner's was {seconds} s {way} the database's, by which these times are told"
    ))
}

fn mock_marker(evidence: &Json) -> Option<&'static str> {
    (evidence["is_mock"] == true).then_some("the tool says so itself; this is no evidence of a run")
}

/// Where a mock could not be looked for to the end.
fn unsearched(search: &Json) -> Option<String> {
    let searches = search.as_object()?;
    let partial: Vec<String> = searches
        .iter()
        .filter(|(_, search)| search["complete"] == false)
        .map(|(name, search)| match search["limit_bytes"].as_u64() {
            Some(limit) => {
                format!("{name}: only its first {limit} bytes were searched for is_mock")
            }
            None => format!("{name}: not all of it was searched for is_mock"),
        })
        .collect();
    (!partial.is_empty()).then(|| partial.join("; "))
}

/// An MCP server's annotations: what it says of its tool, which nobody has checked.
fn hints(evidence: &Json) -> Option<String> {
    let hints = evidence["annotations"].as_object()?;
    let said: Vec<_> = hints
        .iter()
        .map(|(name, hint)| format!("{name} {hint}"))
        .collect();
    (!said.is_empty()).then(|| format!("{} (not checked)", said.join(", ")))
}

fn failure(failure: &Json) -> Option<String> {
    Some(format!(
        "{}: {}",
        text(&failure["code"])?,
        text(&failure["message"]).unwrap_or_default()
    ))
}

fn listed(list: &Json) -> Option<String> {
    let items: Vec<&str> = texts(list).collect();
    (!items.is_empty()).then(|| items.join("; "))
}

fn text(json: &Json) -> Option<&str> {
    json.as_str()
}

fn texts(json: &Json) -> impl Iterator<Item = &str> {
    json.as_array()
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
}
