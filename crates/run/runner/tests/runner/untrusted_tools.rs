//! Claims that a tool, or a process between two tools, cannot get into the record.

use std::{ffi::OsStr, fs, os::unix::ffi::OsStrExt, path::Path, time::Duration};

use dotwrap_invoke::{
    Answer, CallOutcome, Digest, Mode, Output, Stop, StopHandle, StopReason, StopRecord,
};
use dotwrap_runner::{NoProgress, Outcome, Progress, RunOptions, Step};
use dotwrap_wrapper::{Rung, StoredStatus, Verdict};
use serde_json::json;
use url::Url;

use crate::support::{At, PRODUCER, Stage, Tools, VERIFIER, left, said_so};

/// Flips a byte of the output once the producer's row is committed.
fn tamper() -> impl Progress {
    At::step(|step: Step<'_>| {
        if let Step::Produced {
            output: Some(output),
            ..
        } = step
        {
            let mut bytes = fs::read(output).unwrap();
            bytes[0] ^= 1;
            fs::write(output, bytes).unwrap();
        }
    })
}

async fn tampered(stage: &Stage, tools: &Tools) -> Outcome {
    stage
        .run_in(
            Mode::RealRun,
            tools,
            &RunOptions::default(),
            &tamper(),
            Stop::never(),
        )
        .await
        .unwrap()
}

#[tokio::test]
async fn verifier_detects_output_changed_after_producer() {
    let stage = Stage::open().await;
    let outcome = tampered(&stage, &Tools::honest()).await;
    assert!(
        matches!(
            outcome,
            Outcome::Concluded {
                verdict: Some(Verdict::Fail),
                ..
            }
        ),
        "{outcome:?}"
    );
    assert_eq!(stage.rung().await, Rung::RealRunObserved);
}

#[tokio::test]
async fn pass_on_changed_output_is_error() {
    let stage = Stage::open().await;
    let tools = Tools::honest().verifier(|call, _| async move { said_so(&call, Verdict::Pass) });
    let outcome = tampered(&stage, &tools).await;
    let Outcome::Concluded {
        status,
        verdict,
        error_ref,
        ..
    } = &outcome
    else {
        panic!("{outcome:?}");
    };
    assert_eq!(
        (*status, *verdict),
        (StoredStatus::Failed, Some(Verdict::Error))
    );
    assert_eq!(error_ref.as_deref(), Some("verifier: output_changed"));
    assert_eq!(stage.rung().await, Rung::RealRunObserved);
}

/// The output's digest is what it was, but it is not what the verifier looked at.
#[tokio::test]
async fn pass_on_output_swapped_and_put_back_is_error() {
    let stage = Stage::open().await;
    let tools = Tools::honest().verifier(|call, _| async move {
        let output = call.produced.as_ref().unwrap().output.path.clone();
        let aside = output.with_extension("aside");
        fs::rename(&output, &aside).unwrap();
        fs::write(&output, "what is looked at").unwrap();
        fs::rename(&aside, &output).unwrap();
        assert_eq!(fs::read(&output).unwrap(), b"the work");
        said_so(&call, Verdict::Pass)
    });
    let outcome = stage.run(&tools, &RunOptions::default()).await.unwrap();
    let Outcome::Concluded {
        verdict, error_ref, ..
    } = &outcome
    else {
        panic!("{outcome:?}");
    };
    assert_eq!(*verdict, Some(Verdict::Error));
    assert_eq!(error_ref.as_deref(), Some("verifier: output_changed"));
}

/// The output's own files are as they were, `ctime` included.
#[tokio::test]
async fn pass_on_folder_swapped_and_put_back_is_error() {
    for levels in [1, 2] {
        let tools = Tools::honest().verifier(move |call, _| async move {
            let output = call.produced.as_ref().unwrap().output.path.clone();
            let folder = output.ancestors().nth(levels).unwrap();
            let aside = folder.with_extension("aside");
            fs::rename(folder, &aside).unwrap();
            fs::create_dir_all(output.parent().unwrap()).unwrap();
            fs::write(&output, "what is looked at").unwrap();
            fs::remove_dir_all(folder).unwrap();
            fs::rename(&aside, folder).unwrap();
            said_so(&call, Verdict::Pass)
        });
        says_output_changed(&tools).await;
    }
}

/// A link may lead to the very same files.
#[tokio::test]
async fn pass_on_folder_that_became_a_link_is_error() {
    let tools = Tools::honest().verifier(|call, _| async move {
        let output = call.produced.as_ref().unwrap().output.path.clone();
        let folder = output.parent().unwrap();
        let aside = folder.with_extension("aside");
        fs::rename(folder, &aside).unwrap();
        std::os::unix::fs::symlink(&aside, folder).unwrap();
        said_so(&call, Verdict::Pass)
    });
    says_output_changed(&tools).await;
}

/// Root mounts over the output, or in it, and unmounts in time.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn pass_on_output_that_was_mounted_over_is_error() {
    use std::process::Command;

    let ran = |program: &str, arguments: &[&Path]| {
        let status = Command::new(program).args(arguments).status();
        status.is_ok_and(|status| status.success())
    };
    let probe = tempfile::tempdir().unwrap();
    let bind = Path::new("--bind");
    if !ran("mount", &[bind, probe.path(), probe.path()]) {
        eprintln!("skipped: this account may not mount");
        return;
    }
    assert!(ran("umount", &[probe.path()]));
    for stays in [false, true] {
        let tools = Tools::honest().verifier(move |call, _| async move {
            let output = call.produced.as_ref().unwrap().output.path.clone();
            let other = call.folder.join("other");
            call.make_folder().unwrap();
            fs::write(&other, "what is looked at").unwrap();
            // The same file once more where it stays: only the mount tells.
            let source = if stays { &output } else { &other };
            assert!(ran("mount", &[bind, source, &output]));
            tokio::time::sleep(Duration::from_millis(300)).await;
            if !stays {
                assert!(ran("umount", &[&output]));
            }
            said_so(&call, Verdict::Pass)
        });
        let stage = says_output_changed(&tools).await;
        for run in fs::read_dir(stage.folder.path().join("runs")).unwrap() {
            let output = run.unwrap().path().join("producer/output");
            assert_eq!(ran("umount", &[&output]), stays);
        }
    }
}

/// The verdict of a run with these tools does not count.
async fn says_output_changed(tools: &Tools) -> Stage {
    let stage = Stage::open().await;
    let outcome = stage.run(tools, &RunOptions::default()).await.unwrap();
    let Outcome::Concluded {
        verdict, error_ref, ..
    } = &outcome
    else {
        panic!("{outcome:?}");
    };
    assert_eq!(*verdict, Some(Verdict::Error));
    assert_eq!(error_ref.as_deref(), Some("verifier: output_changed"));
    stage
}

/// Reading half a terabyte of holes takes minutes. It is unnecessary after a `fail`, and after a `pass` the size is
/// proof enough.
#[tokio::test]
async fn output_that_a_verifier_blew_up_is_not_read_again() {
    for (said, recorded) in [
        (Verdict::Fail, Verdict::Fail),
        (Verdict::Pass, Verdict::Error),
    ] {
        let stage = Stage::open().await;
        let tools = Tools::honest().verifier(move |call, _| async move {
            let output = &call.produced.as_ref().unwrap().output.path;
            let file = fs::OpenOptions::new().write(true).open(output).unwrap();
            file.set_len(1 << 39).unwrap();
            said_so(&call, said)
        });
        let order = RunOptions::default();
        let run = stage.run(&tools, &order);
        let outcome = tokio::time::timeout(Duration::from_secs(60), run).await;
        let outcome = outcome.expect("a run that reads nothing").unwrap();
        let Outcome::Concluded { verdict, .. } = &outcome else {
            panic!("{outcome:?}");
        };
        assert_eq!(*verdict, Some(recorded));
    }
}

/// The verifier passed it, and the stop came before the output could be read again.
#[tokio::test]
async fn stop_before_the_output_was_read_again_leaves_no_verdict() {
    let stage = Stage::open().await;
    let (handle, interrupt) = StopHandle::new();
    let tools = Tools::honest().verifier(move |call, mut stop| {
        handle.stop(StopReason::Interrupted);
        async move {
            stop.cancelled().await;
            said_so(&call, Verdict::Pass)
        }
    });
    let order = RunOptions::default();
    let run = stage.run_in(Mode::RealRun, &tools, &order, &NoProgress, interrupt);
    let outcome = run.await.unwrap();
    let Outcome::Concluded {
        status, verdict, ..
    } = &outcome
    else {
        panic!("{outcome:?}");
    };
    assert_eq!((*status, *verdict), (StoredStatus::Cancelled, None));
    let parts = stage.evidence(&outcome).await;
    assert_eq!(parts[1]["evidence_ref"]["stop"]["reason"], "interrupted");
}

#[tokio::test]
async fn a_verdict_on_another_digest_is_an_error() {
    let stage = Stage::open().await;
    let tools = Tools::honest().verifier(|call, _| async move {
        let mut answer = said_so(&call, Verdict::Pass);
        answer.verified_digest = Some(Digest::of("something else"));
        answer
    });
    let outcome = stage.run(&tools, &RunOptions::default()).await.unwrap();
    assert!(
        matches!(
            outcome,
            Outcome::Concluded {
                verdict: Some(Verdict::Error),
                ..
            }
        ),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_verifier_without_a_verdict_is_an_error() {
    let stage = Stage::open().await;
    let tools = Tools::honest().verifier(|call, _| async move { left(&call, "fine, I guess") });
    let outcome = stage.run(&tools, &RunOptions::default()).await.unwrap();
    assert!(
        matches!(
            outcome,
            Outcome::Concluded {
                status: StoredStatus::Failed,
                verdict: Some(Verdict::Error),
                ..
            }
        ),
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
    let Outcome::Concluded { error_ref, .. } = &outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(error_ref.as_deref(), Some("producer: schema_mismatch"));
    assert_eq!(tools.count(), 1);
}

#[tokio::test]
async fn a_verifier_s_answer_is_held_against_both_schemas() {
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
    let Outcome::Concluded {
        verdict, error_ref, ..
    } = &outcome
    else {
        panic!("{outcome:?}");
    };
    assert_eq!(*verdict, Some(Verdict::Error));
    assert_eq!(error_ref.as_deref(), Some("verifier: schema_mismatch"));
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
    assert!(
        matches!(
            outcome,
            Outcome::Concluded {
                verdict: Some(Verdict::Fail),
                ..
            }
        ),
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
    let Outcome::Concluded { process_run_id, .. } = outcome else {
        panic!("{outcome:?}");
    };
    let run = stage.wrapper.run(process_run_id).await.unwrap().unwrap();
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
