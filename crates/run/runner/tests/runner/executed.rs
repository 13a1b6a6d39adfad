//! The records of an honest run.

use dotwrap_invoke::{Mode, Stop};
use dotwrap_runner::{Error, NoProgress, Outcome, RunOptions, Step};
use dotwrap_wrapper::{CandidateCode, DotCode, IdempotencyKey, Rung, StoredStatus, Verdict};
use serde_json::json;

use crate::support::{At, CANDIDATE, PRODUCER, Stage, Tools, VERIFIER, broken, concluded, said_so};

#[tokio::test]
async fn real_run_reaches_verified() {
    let stage = Stage::open().await;
    let outcome = stage
        .run(&Tools::honest(), &RunOptions::default())
        .await
        .unwrap();
    let conclusion = concluded(&outcome);
    assert_eq!(
        (conclusion.status, conclusion.verdict),
        (StoredStatus::Completed, Some(Verdict::Pass))
    );
    assert_eq!(stage.rung().await, Rung::VerifiedCandidate);
    let parts = stage.evidence(&outcome).await;
    assert_eq!(parts[0]["evidence_type"], "REAL_RUN");
    assert_eq!(
        parts[0]["output_digest"],
        dotwrap_invoke::Digest::of("the work").to_string()
    );
    assert_eq!(parts[1]["verdict"], "pass");
    assert_eq!(
        parts[1]["evidence_ref"]["endpoint_ref"],
        format!("command:{VERIFIER}")
    );
}

#[tokio::test]
async fn dry_run_reaches_only_the_dry_run_rung() {
    let stage = Stage::open().await;
    let outcome = stage
        .run_in(
            Mode::DryRun,
            &Tools::honest(),
            &RunOptions::default(),
            &NoProgress,
            Stop::never(),
        )
        .await
        .unwrap();
    assert_eq!(
        concluded(&outcome).verdict,
        Some(Verdict::Pass),
        "{outcome:?}"
    );
    assert_eq!(stage.rung().await, Rung::DryRunObserved);
}

#[tokio::test]
async fn a_producer_that_fails_is_not_verified() {
    let stage = Stage::open().await;
    let tools = Tools::honest().producer(|_, _| broken());
    let outcome = stage.run(&tools, &RunOptions::default()).await.unwrap();
    let conclusion = concluded(&outcome);
    assert_eq!(
        (conclusion.status, conclusion.verdict),
        (StoredStatus::Failed, None)
    );
    assert_eq!(conclusion.error_ref, Some("producer: exit_status"));
    assert_eq!(tools.count(), 1);
    assert_eq!(stage.evidence(&outcome).await.len(), 1);
}

#[tokio::test]
async fn failed_verdict_leaves_candidate_unverified() {
    let stage = Stage::open().await;
    let tools = Tools::honest().verifier(|call, _| async move { said_so(&call, Verdict::Fail) });
    let outcome = stage.run(&tools, &RunOptions::default()).await.unwrap();
    let conclusion = concluded(&outcome);
    assert_eq!(
        (conclusion.status, conclusion.verdict),
        (StoredStatus::Completed, Some(Verdict::Fail)),
        "{outcome:?}"
    );
    assert_eq!(stage.rung().await, Rung::RealRunObserved);
}

#[tokio::test]
async fn used_key_calls_no_tool() {
    let stage = Stage::open().await;
    let tools = Tools::honest();
    let order = RunOptions {
        idempotency_key: Some(IdempotencyKey::new("nightly-1")),
        ..RunOptions::default()
    };
    let executed = stage.run(&tools, &order).await.unwrap();
    let first = concluded(&executed).process_run_id;
    let again = stage.run(&tools, &order).await.unwrap();
    assert_eq!(
        again,
        Outcome::Earlier {
            process_run_id: first
        }
    );
    assert_eq!(tools.count(), 2);
    let folders = std::fs::read_dir(stage.folder.path().join("runs")).unwrap();
    assert_eq!(folders.count(), 1);
}

#[tokio::test]
async fn gate_refusal_writes_only_refusal_row() {
    let stage = Stage::closed().await;
    let tools = Tools::honest();
    let error = stage.run(&tools, &RunOptions::default()).await.unwrap_err();
    let Error::Wrapper(error) = error else {
        panic!("{error:?}");
    };
    let refusal = error.refusal().unwrap();
    assert!(
        ["no_execute", "real_run_disabled"].contains(&refusal.code.as_str()),
        "{refusal:?}"
    );
    assert_eq!(tools.count(), 0);
    assert_eq!(stage.count("process_run_observation").await, 0);
    assert_eq!(stage.count("dot_invocation").await, 0);
    assert_eq!(stage.count("dot_refusal").await, 1);
    assert!(!stage.folder.path().join("runs").exists());
}

#[tokio::test]
async fn undeclared_mode_is_refused() {
    let stage = Stage::open().await;
    stage
        .contract(PRODUCER, "DRY_RUN", |contract| {
            contract.contract_status = Some("retired".into())
        })
        .await;
    let tools = Tools::honest();
    let error = stage
        .run_in(
            Mode::DryRun,
            &tools,
            &RunOptions::default(),
            &NoProgress,
            Stop::never(),
        )
        .await
        .unwrap_err();
    assert!(error.to_string().contains("no active contract"), "{error}");
    assert_eq!(tools.count(), 0);
    assert_eq!(stage.count("process_run_observation").await, 0);
}

#[tokio::test]
async fn a_contract_that_can_not_be_called_is_refused_before_anything_is_written() {
    let stage = Stage::open().await;
    for change in [json!({"nonsense": 1}), json!({"argv": ["{input}"]})] {
        stage
            .contract(PRODUCER, "REAL_RUN", |contract| {
                contract.invocation = Some(change)
            })
            .await;
        let error = stage
            .run(&Tools::honest(), &RunOptions::default())
            .await
            .unwrap_err();
        assert!(
            matches!(error, Error::Unusable { .. } | Error::InputMissing { .. }),
            "{error:?}"
        );
    }
    assert_eq!(stage.count("process_run_observation").await, 0);
}

/// A disk that is full is waited for as a database that is away is: what the tool did is known here and nowhere else.
#[tokio::test]
async fn full_disk_of_the_database_is_waited_for() {
    let stage = Stage::open().await;
    let client = stage.database.superuser().await;
    let fill = "CREATE FUNCTION dot.a_full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
        RAISE EXCEPTION USING ERRCODE = '53100', MESSAGE = 'could not extend file: No space left on device'; END $$; \
        CREATE TRIGGER full_disk BEFORE INSERT ON dot.process_component_observation \
        FOR EACH ROW EXECUTE FUNCTION dot.a_full_disk()";
    client.batch_execute(fill).await.unwrap();
    let (waiting, mut waits) = tokio::sync::mpsc::unbounded_channel();
    let progress = At::step(move |step: Step<'_>| {
        if let Step::Waiting { why, .. } = step {
            waiting.send(why.to_owned()).unwrap();
        }
    });
    let freeing = async {
        let why = waits.recv().await.unwrap();
        assert!(why.contains("No space left"), "{why}");
        // And which file system the runs are on, with its room.
        assert!(why.contains(" free of "), "{why}");
        let free = "DROP TRIGGER full_disk ON dot.process_component_observation";
        client.batch_execute(free).await.unwrap();
    };
    let (order, tools) = (RunOptions::default(), Tools::honest());
    let run = stage.run_in(Mode::RealRun, &tools, &order, &progress, Stop::never());
    let (outcome, ()) = tokio::join!(run, freeing);
    let outcome = outcome.unwrap();
    assert_eq!(
        concluded(&outcome).verdict,
        Some(Verdict::Pass),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn no_run_is_begun_without_the_space_that_is_to_stay_free() {
    let stage = Stage::open().await;
    let tools = Tools::honest();
    let runner = stage.runner(&tools).with_min_free_bytes(u64::MAX);
    let order = RunOptions::default();
    let (producer, candidate) = (DotCode::new(PRODUCER), CandidateCode::new(CANDIDATE));
    let refused = runner
        .run(
            &producer,
            &candidate,
            Mode::RealRun,
            &order,
            &NoProgress,
            Stop::never(),
        )
        .await;
    assert!(
        matches!(refused, Err(Error::DiskFull { .. })),
        "{refused:?}"
    );
    assert_eq!(tools.count(), 0);
    assert_eq!(stage.rung().await, Rung::StructuralCandidate);
}
