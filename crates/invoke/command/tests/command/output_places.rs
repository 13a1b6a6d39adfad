//! Outputs at a path of the contract, and outputs that are elsewhere.

use std::{fs, path::PathBuf};

use dotwrap_invoke::{Answer, Invoker, OutputPathRequest, UnsupportedContract};
use dotwrap_types::{CandidateCode, ComponentRole};
use serde_json::{Value as Json, json};

use crate::support::{Case, failure, invoker, printed};

const MAKES_IT: &str = "printf made >$DOT_OUTPUT";

/// A producer in a real run whose contract has a path below the case's own folder.
fn placed(name: &str, script: &str) -> Case {
    let case = Case::script(script, json!({}))
        .for_real()
        .input("/srv/shop.db");
    let path = case.outside().join(name);
    case.more(json!({"output": {"path": path}}))
}

/// The path of the case's run, as the runner asks for it.
fn resolved(case: &Case) -> Result<PathBuf, UnsupportedContract> {
    let request = OutputPathRequest {
        mode: case.call.mode,
        candidate: &CandidateCode::new("PROC-CAND:shop/eu"),
        process_run_id: case.call.process_run_id,
        input_ref: case.call.input_ref.as_deref(),
        folder: &case.call.folder,
        at: "2026-03-01T23:30:00Z".parse().unwrap(),
    };
    let path = invoker().output_path(&case.call.contract, &request)?;
    Ok(path.unwrap())
}

async fn run(mut case: Case) -> (Case, Answer) {
    case.call.output_path = Some(resolved(&case).unwrap());
    let answer = case.run().await;
    (case, answer)
}

#[tokio::test]
async fn output_is_made_at_the_contract_s_path_and_read_there() {
    let (case, answer) = run(placed("{input_name}-{date}.dump", MAKES_IT)).await;
    let path = case
        .outside()
        .canonicalize()
        .unwrap()
        .join("shop.db-2026-03-01.dump");
    let output = answer.output.unwrap();
    assert_eq!((&output.path, output.size), (&path, 4));
    assert_eq!(answer.evidence["output_kind"], "path");
    assert_eq!(resolved(&case).unwrap_err().code, "output_exists");
}

#[tokio::test]
async fn places_of_a_path_stay_within_its_folder() {
    let case = placed("{candidate}_{dot_code}_{time}_{process_run_id}", MAKES_IT);
    let name = resolved(&case).unwrap();
    let run = case.call.process_run_id;
    let expected = format!("PROC-CAND:shop_eu_{}_233000_{run}", case.call.dot_code);
    assert_eq!(name.file_name().unwrap().to_str(), Some(expected.as_str()));

    let berlin = placed("{date}T{time}", MAKES_IT).more(json!({"time_zone": "Europe/Berlin"}));
    assert_eq!(
        resolved(&berlin).unwrap().file_name().unwrap(),
        "2026-03-02T003000"
    );

    let mut nameless = placed("{input_name}", MAKES_IT);
    nameless.call.input_ref = None;
    assert_eq!(resolved(&nameless).unwrap_err().code, "output_path_invalid");
}

#[tokio::test]
async fn path_whose_folder_is_missing_or_whose_place_is_taken_is_refused() {
    let missing = placed("nowhere/x", MAKES_IT);
    assert_eq!(
        resolved(&missing).unwrap_err().code,
        "output_folder_missing"
    );
    let taken = placed("x", MAKES_IT);
    std::os::unix::fs::symlink("/nowhere", taken.outside().join("x")).unwrap();
    assert_eq!(resolved(&taken).unwrap_err().code, "output_exists");
    // Another run came first, after this one had looked.
    let mut late = placed("y", "echo called >$DOT_OUTPUT");
    late.call.output_path = Some(resolved(&late).unwrap());
    fs::write(late.outside().join("y"), "another's").unwrap();
    let answer = late.run().await;
    assert_eq!(failure(&answer).code, "output_exists");
    assert!(!answer.called);
    assert_eq!(
        fs::read_to_string(late.outside().join("y")).unwrap(),
        "another's"
    );
}

#[tokio::test]
async fn a_link_to_the_folder_is_resolved() {
    let case = placed("link/x", MAKES_IT);
    let there = case.outside().join("there");
    fs::create_dir(&there).unwrap();
    std::os::unix::fs::symlink(&there, case.outside().join("link")).unwrap();
    let (_case, answer) = run(case).await;
    assert_eq!(
        answer.output.unwrap().path,
        there.canonicalize().unwrap().join("x")
    );
}

#[tokio::test]
async fn dry_run_keeps_its_output_in_its_own_folder_under_the_same_name() {
    let mut case = placed("{date}.zip", MAKES_IT);
    case.call.mode = dotwrap_invoke::Mode::DryRun;
    let (case, answer) = run(case).await;
    let path = answer.output.unwrap().path;
    assert_eq!(path, case.call.folder.join("placed/2026-03-01.zip"));
    assert_eq!(case.outside().read_dir().unwrap().count(), 0);
}

#[tokio::test]
async fn what_a_failed_call_leaves_at_the_path_is_named() {
    let (case, answer) = run(placed("x", "echo half >$DOT_OUTPUT; exit 1")).await;
    assert_eq!(failure(&answer).code, "exit_status");
    let left = case.outside().canonicalize().unwrap().join("x");
    assert_eq!(answer.evidence["output_left"], json!(left));
    let (_, answer) = run(placed("x", "exit 1")).await;
    assert!(!answer.evidence.contains_key("output_left"));
}

#[test]
fn places_kept_from_tools_are_no_output_s() {
    let case = placed("x", MAKES_IT);
    let hidden = case.outside();
    let supervisor =
        crate::support::supervisor().hiding_paths_dynamic(move || vec![hidden.clone()]);
    let invoker = dotwrap_invoke_command::CommandInvoker::new(supervisor);
    let request = OutputPathRequest {
        mode: case.call.mode,
        candidate: &CandidateCode::new("x"),
        process_run_id: case.call.process_run_id,
        input_ref: None,
        folder: &case.call.folder,
        at: "2026-03-01T23:30:00Z".parse().unwrap(),
    };
    let refused = invoker
        .output_path(&case.call.contract, &request)
        .unwrap_err();
    assert_eq!(refused.code, "output_path_invalid");
}

#[test]
fn a_producer_that_is_not_told_its_path_is_warned_of() {
    let untold = |script: &str| {
        let case = Case::new(
            "command:sh",
            json!({"argv": ["sh", "-c", script], "output": {"path": "/x/{date}"}}),
        );
        invoker().warnings(&case.call.contract).len()
    };
    assert_eq!(
        (
            untold("true"),
            untold("x {output}"),
            untold("x $DOT_OUTPUT")
        ),
        (1, 0, 0)
    );
}

fn reference() -> Json {
    json!({"output": {"reference": "stdout", "fields": {"snapshot": "/snapshot_id", "files": "/files"}}})
}

#[tokio::test]
async fn fields_are_taken_out_of_the_printed_document() {
    let case = Case::script(r#"echo '{"snapshot_id": "4f2a", "files": 7}'"#, reference());
    let answer = case.run().await;
    printed(&answer);
    assert_eq!(answer.evidence["output_kind"], "reference");
    assert_eq!(
        answer.evidence["output_fields"],
        json!({"snapshot": "4f2a", "files": "7"})
    );
    assert_eq!(answer.fields["snapshot"], "4f2a");
}

#[tokio::test]
async fn a_document_without_its_fields_fails_the_producer() {
    for (script, code) in [
        (r#"echo '{"files": 7}'"#, "output_field_missing"),
        (
            r#"echo '{"snapshot_id": null, "files": 7}'"#,
            "output_field_invalid",
        ),
        (
            r#"printf %s '{"snapshot_id": "a\nb", "files": 7}'"#,
            "output_field_invalid",
        ),
        (r#"echo '{"files": 7} {"files": 8}'"#, "reference_invalid"),
        ("echo done", "reference_invalid"),
        ("true", "reference_invalid"),
    ] {
        let answer = Case::script(script, reference()).run().await;
        let failed = failure(&answer);
        assert_eq!(failed.code, code, "{script}: {}", failed.message);
        assert!(answer.fields.is_empty() && answer.output.is_none());
    }
    let several = Case::script("echo '{} {}'", reference()).run().await;
    assert!(failure(&several).message.contains("--quiet"));
}

#[tokio::test]
async fn a_field_is_the_verifier_s_and_becomes_no_option() {
    let case = |argv: Json, value: &str| {
        let mut case = Case::verifier("true", json!({"argv": argv}));
        let produced = case.call.produced.as_mut().unwrap();
        produced
            .fields
            .insert("snapshot".to_owned(), value.to_owned());
        case
    };
    let echo = r#"printf %s "$1""#;
    let argv = json!(["sh", "-c", echo, "sh", "{output_field.snapshot}"]);
    assert_eq!(printed(&case(argv.clone(), "a b").run().await), "a b");
    let refused = case(argv, "--rm").run().await;
    assert_eq!(failure(&refused).code, "input_looks_like_option");
    let within = json!(["sh", "-c", echo, "sh", "--id={output_field.snapshot}"]);
    assert_eq!(printed(&case(within, "--rm").run().await), "--id=--rm");

    let mut producer = Case::new("command:sh", json!({"argv": ["{output_field.snapshot}"]}));
    producer.call.role = ComponentRole::Producer;
    let refused = invoker()
        .check_invocation(&producer.call.contract)
        .unwrap_err();
    assert!(
        refused.message.contains("for verifiers"),
        "{}",
        refused.message
    );
}

#[test]
fn malformed_outputs_are_refused() {
    for output in [
        json!("folder"),
        json!({}),
        json!({"path": "x"}),
        json!({"path": "/x/{input}"}),
        json!({"path": "/x", "mode": 1}),
        json!({"reference": "stdout"}),
        json!({"reference": "stdout", "fields": {"a": "b"}}),
    ] {
        let case = Case::script("true", json!({"output": output}));
        let refused = invoker().check_invocation(&case.call.contract);
        assert_eq!(refused.unwrap_err().code, "invocation_invalid", "{output}");
    }
    for rules in [
        json!({}),
        json!({"min_ratio": 0}),
        json!({"min_ratio": 1.5}),
        json!({"min_ratio": "x"}),
    ] {
        let case = Case::script("true", json!({"output_rules": rules}));
        assert!(
            invoker().check_invocation(&case.call.contract).is_err(),
            "{rules}"
        );
    }
    let measured =
        Case::script("true", reference()).more(json!({"output_rules": {"min_bytes": 1}}));
    assert!(invoker().check_invocation(&measured.call.contract).is_err());
}
