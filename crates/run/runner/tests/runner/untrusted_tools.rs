//! Answers of tools that the runner does not take as they are: mocks, missing verdicts, broken schemas and odd texts.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use dotwrap_invoke::{Answer, CallOutcome, Output, StopReason, StopRecord};
use dotwrap_runner::RunOptions;
use dotwrap_wrapper::{Rung, StoredStatus, Verdict};
use serde_json::json;
use url::Url;

use crate::support::{PRODUCER, Stage, Tools, VERIFIER, concluded, left, said_so};

#[tokio::test]
async fn a_verifier_without_a_verdict_is_an_error() {
    let stage = Stage::open().await;
    let tools = Tools::honest().verifier(|call, _| async move { left(&call, "fine, I guess") });
    let outcome = stage.run(&tools, &RunOptions::default()).await.unwrap();
    let conclusion = concluded(&outcome);
    assert_eq!(
        (conclusion.status, conclusion.verdict),
        (StoredStatus::Failed, Some(Verdict::Error)),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn mock_is_recorded_as_simulated_for_producer_and_verifier() {
    let stage = Stage::open().await;
    let tools = Tools::honest().producer(|call, _| async move {
        let mut answer = left(&call, "the work");
        answer.is_mock = true;
        answer
    });
    let outcome = stage.run(&tools, &RunOptions::default()).await.unwrap();
    let parts = stage.evidence(&outcome).await;
    assert_eq!(parts[0]["evidence_type"], "SIMULATED_DRY_RUN");
    assert_eq!(parts[1]["evidence_type"], "SIMULATED_DRY_RUN");
    assert_eq!(stage.rung().await, Rung::SimulatedObserved);
}

#[tokio::test]
async fn an_output_that_breaks_the_schema_is_not_verified() {
    let stage = Stage::open().await;
    stage
        .contract(PRODUCER, "REAL_RUN", |contract| {
            contract.expected_output_schema = Some(json!({"type": "object", "required": ["rows"]}));
        })
        .await;
    let tools = Tools::honest().producer(|call, _| async move { left(&call, r#"{"lines": 3}"#) });
    let outcome = stage.run(&tools, &RunOptions::default()).await.unwrap();
    let conclusion = concluded(&outcome);
    assert_eq!(conclusion.error_ref, Some("producer: schema_mismatch"));
    assert_eq!(tools.count(), 1);
}

#[tokio::test]
async fn verifier_answer_is_checked_against_both_schemas() {
    let stage = Stage::open().await;
    for (code, wanted) in [(PRODUCER, "reviewer"), (VERIFIER, "verdict")] {
        stage
            .contract(code, "REAL_RUN", |contract| {
                contract.verifier_schema = Some(json!({"type": "object", "required": [wanted]}));
            })
            .await;
    }
    let outcome = stage
        .run(&Tools::honest(), &RunOptions::default())
        .await
        .unwrap();
    let conclusion = concluded(&outcome);
    assert_eq!(conclusion.verdict, Some(Verdict::Error));
    assert_eq!(conclusion.error_ref, Some("verifier: schema_mismatch"));
}

#[tokio::test]
async fn call_that_never_reached_its_tool_is_no_evidence() {
    let stage = Stage::open().await;
    let tools = Tools::honest().producer(|_, _| async {
        dotwrap_invoke::Answer::not_called(dotwrap_invoke::Failure::new(
            "not_read_only",
            "it may write",
        ))
    });
    let outcome = stage.run(&tools, &RunOptions::default()).await.unwrap();
    let parts = stage.evidence(&outcome).await;
    assert_eq!(parts[0]["evidence_type"], "SIMULATED_DRY_RUN");
    assert_eq!(parts[0]["evidence_ref"]["called"], false);
}

#[tokio::test]
async fn hostile_tool_output_is_still_recorded() {
    let stage = Stage::open().await;
    let tools = Tools::honest().verifier(|call, _| async move {
        said_so(&call, Verdict::Fail)
            .with("notes", "a NUL \0 character")
            .with("names", vec!["x".repeat(1000); 200])
    });
    let outcome = stage.run(&tools, &RunOptions::default()).await.unwrap();
    assert_eq!(
        concluded(&outcome).verdict,
        Some(Verdict::Fail),
        "{outcome:?}"
    );
    let parts = stage.evidence(&outcome).await;
    assert_eq!(parts[1]["evidence_ref"]["omitted_keys"][0], "names");
}

#[tokio::test]
async fn call_stopped_before_its_start_has_a_known_outcome() {
    let stage = Stage::open().await;
    let tools = Tools::honest().producer(|_, _| async {
        let mut answer = Answer::new(CallOutcome::Stopped(StopRecord {
            reason: StopReason::Interrupted,
            signals_sent: Vec::new(),
            exited: Vec::new(),
            possible_effects: Vec::new(),
        }));
        answer.called = false;
        answer
    });
    let outcome = stage.run(&tools, &RunOptions::default()).await.unwrap();
    let parts = stage.evidence(&outcome).await;
    assert_eq!(parts[0]["status"], "cancelled");
    assert_eq!(parts[0]["evidence_ref"]["outcome"], json!(null));
    let run = concluded(&outcome).process_run_id;
    let run = stage.wrapper.run(run).await.unwrap().unwrap();
    assert_eq!(run.evidence_ref["outcome"], json!(null));
}

#[tokio::test]
async fn the_name_of_an_output_can_be_read_back_whatever_is_in_it() {
    let stage = Stage::open().await;
    let name = OsStr::from_bytes(b"100 % of #1? \xff");
    let tools = Tools::honest().producer(move |call, _| async move {
        call.make_folder().unwrap();
        let path = call.folder.join(name);
        fs::write(&path, "the work").unwrap();
        let mut answer = Answer::new(CallOutcome::Completed);
        answer.output = Some(Output::of(&path).unwrap());
        answer
    });
    let outcome = stage.run(&tools, &RunOptions::default()).await.unwrap();
    let parts = stage.evidence(&outcome).await;
    let address = Url::parse(parts[0]["output_ref"].as_str().unwrap()).unwrap();
    let path = address.to_file_path().unwrap();
    assert_eq!(path.file_name(), Some(name), "{address}");
    assert_eq!(fs::read(&path).unwrap(), b"the work");
}
