//! An output that changes after the producer's row: a pass on it is an error.

use std::fs;
use std::path::Path;
use std::time::Duration;

use dotwrap_invoke::{Digest, Mode, Stop, StopHandle, StopReason};
use dotwrap_runner::{NoProgress, Outcome, Progress, RunOptions, Step};
use dotwrap_wrapper::{Rung, StoredStatus, Verdict};

use crate::support::{At, Stage, Tools, concluded, said_so};

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
    assert_eq!(
        concluded(&outcome).verdict,
        Some(Verdict::Fail),
        "{outcome:?}"
    );
    assert_eq!(stage.rung().await, Rung::RealRunObserved);
}

#[tokio::test]
async fn pass_on_changed_output_is_error() {
    let stage = Stage::open().await;
    let tools = Tools::honest().verifier(|call, _| async move { said_so(&call, Verdict::Pass) });
    let outcome = tampered(&stage, &tools).await;
    let conclusion = concluded(&outcome);
    assert_eq!(
        (conclusion.status, conclusion.verdict),
        (StoredStatus::Failed, Some(Verdict::Error))
    );
    assert_eq!(conclusion.error_ref, Some("verifier: output_changed"));
    assert_eq!(stage.rung().await, Rung::RealRunObserved);
}

/// The output has its old digest again, but the verifier read another file.
#[tokio::test]
async fn pass_on_output_swapped_and_put_back_is_error() {
    let tools = Tools::honest().verifier(|call, _| async move {
        let output = call.produced.as_ref().unwrap().output.path.clone();
        let aside = output.with_extension("aside");
        fs::rename(&output, &aside).unwrap();
        fs::write(&output, "what is looked at").unwrap();
        fs::rename(&aside, &output).unwrap();
        assert_eq!(fs::read(&output).unwrap(), b"the work");
        said_so(&call, Verdict::Pass)
    });
    says_output_changed(&tools).await;
}

/// The output's files are unchanged, `ctime` included.
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

/// The link leads to the same files.
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
            // If the mount stays, it is the same file: only the mount shows the change.
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

/// Runs these tools, and expects the verdict `error` because the output changed.
async fn says_output_changed(tools: &Tools) -> Stage {
    let stage = Stage::open().await;
    let outcome = stage.run(tools, &RunOptions::default()).await.unwrap();
    let conclusion = concluded(&outcome);
    assert_eq!(conclusion.verdict, Some(Verdict::Error));
    assert_eq!(conclusion.error_ref, Some("verifier: output_changed"));
    stage
}

/// A sparse file of half a terabyte takes minutes to read. After a `fail` this is unnecessary, and after a `pass` the
/// changed size is enough.
#[tokio::test]
async fn output_enlarged_by_a_verifier_is_not_read_again() {
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
        let conclusion = concluded(&outcome);
        assert_eq!(conclusion.verdict, Some(recorded));
    }
}

/// The verifier returns `pass`, and the stop comes before the runner reads the output again.
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
    let conclusion = concluded(&outcome);
    assert_eq!(
        (conclusion.status, conclusion.verdict),
        (StoredStatus::Cancelled, None)
    );
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
    assert_eq!(
        concluded(&outcome).verdict,
        Some(Verdict::Error),
        "{outcome:?}"
    );
}
