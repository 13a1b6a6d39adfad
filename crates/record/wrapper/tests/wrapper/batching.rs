//! Concurrent executed runs of one wrapper share statements and nothing else.

use std::time::Duration;

use dotwrap_testkit::TestDatabase;
use dotwrap_wrapper::{
    BeginCall, BeginOutcome, BegunRun, CallRecord, ComponentRunId, Conclusion, ContractDefinition,
    DotCode, Error, EvidenceType, RefusalCode, RunAwaitingVerifier, StoredStatus, ToolDefinition,
    Verdict, Wrapper,
};
use futures_util::{FutureExt as _, future::join_all};

use crate::support::{CANDIDATE, code, installed, open_gates};

const PAIRS: usize = 9;

/// Pairs that may run for real, and whose leases were taken once: a first run goes by itself.
async fn ready() -> (TestDatabase, Wrapper) {
    let (database, wrapper) = installed().await;
    let tools: Vec<_> = (0..PAIRS)
        .flat_map(|number| {
            let (producer, verifier) = (producer(number), verifier(number));
            [
                tool(&producer, &verifier, "B", "producer"),
                tool(&verifier, &producer, "A", "verifier"),
            ]
        })
        .collect();
    wrapper.import_tools(&tools, None).await.unwrap();
    for tool in tools {
        let contract = ContractDefinition {
            dot_code: tool.dot_code,
            mode: "REAL_RUN".to_owned(),
            endpoint_ref: Some("command:true".to_owned()),
            ..ContractDefinition::default()
        };
        wrapper.set_contract(&contract, None).await.unwrap();
    }
    open_gates(&wrapper, true).await;
    for number in 0..PAIRS {
        to_the_end(begun(&wrapper, number).await, number).await;
    }
    (database, wrapper)
}

fn producer(number: usize) -> DotCode {
    DotCode::new(format!("DOT_{number}"))
}

fn verifier(number: usize) -> DotCode {
    DotCode::new(format!("DOT_{number}_VERIFY"))
}

fn tool(code: &DotCode, pair: &DotCode, tier: &str, role: &str) -> ToolDefinition {
    ToolDefinition {
        dot_code: code.to_string(),
        name: code.to_string(),
        tier: tier.to_owned(),
        paired_dot: Some(pair.to_string()),
        pair_role: Some(role.to_owned()),
        execution_engine: Some("command".to_owned()),
        extra_metadata: Some(serde_json::json!({ "process_candidate_code": CANDIDATE })),
        ..ToolDefinition::default()
    }
}

fn beginning(number: usize) -> BeginCall {
    BeginCall::new(
        producer(number),
        CANDIDATE,
        EvidenceType::RealRun,
        "runner 1",
    )
}

async fn begun(wrapper: &Wrapper, number: usize) -> BegunRun {
    match wrapper.begin_run(&beginning(number)).await.unwrap() {
        BeginOutcome::Begun(run) => run,
        BeginOutcome::Existing(run) => panic!("{run} was begun before"),
    }
}

async fn to_the_end(run: BegunRun, number: usize) {
    concluded(produced(run, number).await).await;
}

async fn produced(run: BegunRun, number: usize) -> RunAwaitingVerifier {
    let record = CallRecord::new(
        ComponentRunId::mint(),
        StoredStatus::StepCompleted,
        EvidenceType::RealRun,
    );
    let produced = record.output_digest(format!("sha256:{number:064}"));
    run.record_producer(&produced, &verifier(number))
        .await
        .unwrap()
}

async fn concluded(run: RunAwaitingVerifier) {
    let verified = CallRecord::new(
        ComponentRunId::mint(),
        StoredStatus::StepCompleted,
        EvidenceType::RealRun,
    )
    .verdict(Verdict::Pass);
    let completed = Conclusion::new(StoredStatus::Completed);
    run.conclude_after_verifier(&verified, &completed)
        .await
        .unwrap();
}

/// A run of each pair, in step.
async fn together_to_the_end(wrapper: &Wrapper) {
    let runs = join_all((0..PAIRS).map(|number| begun(wrapper, number))).await;
    let calls = runs.into_iter().enumerate();
    let runs = join_all(calls.map(|(number, run)| produced(run, number))).await;
    join_all(runs.into_iter().map(concluded)).await;
}

/// That fewer transactions than there are pairs wrote the newest rows of a table, one of each pair. How many it is
/// depends on how busy the machine is: the calls that wait behind the first two go together, unless their statement
/// waited too long for the disk.
async fn assert_shared(database: &TestDatabase, table: &str, time: &str) {
    let superuser = database.superuser().await;
    let query = format!(
        "SELECT count(DISTINCT xmin::text) FROM (SELECT xmin FROM dot.{table} ORDER BY {time} DESC LIMIT {PAIRS}) newest"
    );
    let transactions: i64 = superuser.query_one(&query, &[]).await.unwrap().get(0);
    let pairs = i64::try_from(PAIRS).unwrap();
    assert!(
        transactions < pairs,
        "{transactions} transactions wrote {pairs} rows of {table}"
    );
}

#[tokio::test]
async fn runs_at_the_same_time_share_transactions_and_each_has_its_own_rows() {
    let (database, wrapper) = ready().await;
    together_to_the_end(&wrapper).await;
    assert_shared(&database, "process_run_observation", "created_at").await;
    assert_shared(&database, "dot_invocation", "begun_at").await;
    assert_shared(&database, "process_run_conclusion", "concluded_at").await;

    let superuser = database.superuser().await;
    let query = "SELECT count(*) FROM dot.v_process_run r
        JOIN dot.process_component_observation p ON p.process_run_id = r.process_run_id AND p.component_role = 'producer'
        JOIN dot.dot_invocation i ON i.process_run_id = r.process_run_id AND i.component_role = 'verifier'
        WHERE r.status = 'completed' AND r.verdict = 'pass' AND i.input_digest = p.output_digest
          AND p.output_digest = 'sha256:' || lpad(substr(r.dot_code, 5), 64, '0')";
    let whole: i64 = superuser.query_one(query, &[]).await.unwrap().get(0);
    assert_eq!(whole, i64::try_from(2 * PAIRS).unwrap());
}

#[tokio::test]
async fn blocked_batch_does_not_block_queue() {
    let (database, wrapper) = ready().await;
    let superuser = database.superuser().await;
    // From here on no snapshot's xmin is later than this transaction, whatever it does: a backfill, a dump's lock, an
    // idle session.
    superuser
        .batch_execute("BEGIN; SELECT pg_current_xact_id()")
        .await
        .unwrap();
    open_gates(&wrapper, true).await;
    together_to_the_end(&wrapper).await;
    assert_shared(&database, "dot_invocation", "begun_at").await;
    assert_shared(&database, "process_run_conclusion", "concluded_at").await;
}

#[tokio::test]
async fn error_of_one_call_reaches_only_its_caller() {
    let (_database, wrapper) = ready().await;
    let mut calls: Vec<_> = (0..PAIRS).map(beginning).collect();
    calls[4].dot_code = DotCode::new("DOT_NO");
    calls[6].actor = Some(" ".into());
    calls[7].dot_code = producer(8);
    calls[5].input_ref = Some("a\0b".to_owned());
    let outcomes = join_all(calls.iter().map(|call| wrapper.begin_run(call))).await;
    let mut refused = Vec::new();
    for (number, outcome) in outcomes.into_iter().enumerate() {
        match outcome {
            Ok(BeginOutcome::Begun(run)) => {
                to_the_end(run, if number == 7 { 8 } else { number }).await
            }
            Err(Error::InvalidText { argument }) => refused.push((number, argument)),
            other => refused.push((number, code(other).to_string())),
        }
    }
    let expected = [
        (4, RefusalCode::UnknownDot.to_string()),
        (5, "input_ref".to_owned()),
        (6, RefusalCode::ActorRequired.to_string()),
    ];
    // Of two runs of one pair one has the lease.
    let lease_held = RefusalCode::LeaseHeld.to_string();
    let (held, others): (Vec<_>, Vec<_>) = refused
        .into_iter()
        .partition(|(_, code)| *code == lease_held);
    assert_eq!(others, expected);
    assert_eq!(held.len(), 1, "{held:?}");
}

#[tokio::test]
async fn cancelled_caller_does_not_cancel_batch() {
    let (_database, wrapper) = ready().await;
    let mut given_up: Vec<_> = (0..PAIRS - 2)
        .map(|number| Box::pin(begun(&wrapper, number)))
        .collect();
    for call in &mut given_up {
        // As far as its place in the queue.
        assert!(call.now_or_never().is_none());
    }
    let mut stay: Vec<_> = (PAIRS - 2..PAIRS)
        .map(|number| Box::pin(begun(&wrapper, number)))
        .collect();
    for call in &mut stay {
        assert!(call.now_or_never().is_none());
    }
    drop(given_up);
    let runs = join_all(stay).await;
    for (run, number) in runs.into_iter().zip(PAIRS - 2..) {
        to_the_end(run, number).await;
    }
}

#[tokio::test]
async fn connection_loss_fails_every_call_of_batch() {
    let (database, wrapper) = ready().await;
    let superuser = database.superuser().await;
    // A writer of a receipt waits for this lock while its connection is ended.
    superuser
        .batch_execute("BEGIN; LOCK TABLE dot.dot_invocation IN EXCLUSIVE MODE")
        .await
        .unwrap();
    let killer = database.superuser().await;
    let killing = async {
        loop {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let waiting = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted AND relation = 'dot.dot_invocation'::regclass";
            killer.execute(waiting, &[]).await.unwrap();
        }
    };
    let calls: Vec<_> = (0..PAIRS).map(beginning).collect();
    let begins = join_all(calls.iter().map(|call| wrapper.begin_run(call)));
    let outcomes: Vec<Result<BeginOutcome, Error>> = tokio::select! {
        outcomes = begins => outcomes,
        () = killing => unreachable!("it goes on for as long as anybody waits"),
    };
    superuser.batch_execute("ROLLBACK").await.unwrap();
    let lost = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, Err(Error::Unreachable { .. })))
        .count();
    assert_eq!(lost, PAIRS, "{outcomes:?}");
    let runs: i64 = killer
        .query_one(
            "SELECT count(*) FROM dot.v_process_run WHERE concluded_at IS NULL",
            &[],
        )
        .await
        .unwrap()
        .get(0);
    assert_eq!(runs, 0);
}
