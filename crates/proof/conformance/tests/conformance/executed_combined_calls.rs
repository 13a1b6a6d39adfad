//! The second and the third transaction of an executed run, as one call each: they refuse and write the same as the
//! single functions.

use rstest_reuse::apply;
use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::{CORRELATION, OTHER_PRODUCER, PRODUCER, VERIFIER, set_posture};
use crate::common::run_calls::{Begun, DIGEST, OTHER_DIGEST, begin, begun, ready, run_out};
use crate::common::{Backend, Call, ask, code, contents, execute, refused, row, rows, text};

const MODE: &str = "REAL_RUN";

/// Two calls, and the one that is both of them, told the same.
pub(crate) struct Both {
    first: Call,
    second: Call,
    pub(crate) together: Call,
}

impl Both {
    /// The producer's call, and the verifier's receipt.
    pub(crate) fn hand_over(run: &Begun) -> Self {
        Self {
            first: run.producer(MODE),
            second: run.invocation(),
            together: Self::last_call("fn_process_run_record_producer", run, &run.receipt)
                .text("p_dot_code", PRODUCER)
                .text("p_output_digest", DIGEST)
                .text("p_verifier_dot_code", VERIFIER)
                .text("p_runner", "runner 1"),
        }
        .first("p_component_run_id", "gen_random_uuid()")
    }

    /// The verifier's call, and the conclusion.
    pub(crate) fn finish(run: &Begun, receipt: &str) -> Self {
        Self {
            first: run.verifier(MODE, receipt, "pass"),
            second: run.conclusion("completed"),
            together: Self::last_call("fn_process_run_record_verifier_and_conclude", run, receipt)
                .text("p_run_dot_code", PRODUCER)
                .text("p_dot_code", VERIFIER)
                .text("p_component_role", "verifier")
                .text("p_verdict", "pass")
                .text("p_run_status", "completed"),
        }
        .first("p_component_run_id", "gen_random_uuid()")
    }

    fn last_call(function: &'static str, run: &Begun, receipt: &str) -> Call {
        Call::new(function)
            .text("p_process_run_id", &run.run)
            .text("p_correlation_id", CORRELATION)
            .text("p_actor", "tester")
            .text("p_evidence_type", MODE)
            .text("p_status", "step_completed")
            .text("p_invocation_id", receipt)
            .text("p_lease_token", &run.token)
    }

    /// Told to the first of the two.
    pub(crate) fn first(mut self, argument: &'static str, value: &str) -> Self {
        self.first = self.first.with(argument, value);
        self.together = self.together.with(argument, value);
        self
    }

    /// Told to both.
    fn each(self, argument: &'static str, value: &str) -> Self {
        let mut said = self.first(argument, value);
        said.second = said.second.with(argument, value);
        said
    }

    /// Told to the second, which calls it otherwise than the one that is both.
    fn second(mut self, argument: &'static str, together: &'static str, value: &str) -> Self {
        self.second = self.second.with(argument, value);
        self.together = self.together.with(together, value);
        self
    }

    fn one_by_one(&self) -> String {
        format!(
            "WITH first AS MATERIALIZED ({}) SELECT ({})::text AS second FROM first",
            self.first.sql(),
            self.second.sql()
        )
    }
}

/// What is wrong with a hand-over, and how it is refused.
pub(crate) fn wrong_hand_overs(run: &Begun) -> Vec<(Both, &'static str)> {
    let over = || Both::hand_over(run);
    let id = "gen_random_uuid()";
    vec![
        (over().each("p_process_run_id", id), "run_unknown"),
        (over().each("p_lease_token", id), "lease_lost"),
        (over().first("p_actor", "' '"), "actor_required"),
        (
            over().first("p_correlation_id", "'another'"),
            "correlation_mismatch",
        ),
        (
            over().first("p_evidence_type", "'DRY_RUN'"),
            "invocation_mismatch",
        ),
        (
            over().first("p_evidence_type", "'BACKFILLED_EVIDENCE'"),
            "backfill_only",
        ),
        (over().first("p_invocation_id", id), "invocation_mismatch"),
        (
            over().first("p_invocation_id", "NULL"),
            "invocation_required",
        ),
        (over().first("p_dot_code", "'DOT_NO'"), "unknown_dot"),
        (
            over().first("p_output_digest", "repeat('x', 201)"),
            "digest_invalid",
        ),
        (
            over().first("p_output_ref", "repeat('x', 2001)"),
            "text_too_long",
        ),
        (
            over().first("p_evidence_ref", "'[]'"),
            "evidence_ref_invalid",
        ),
        (over().first("p_status", "'done'"), "status_invalid"),
        (over().first("p_status", "'failed'"), "invocation_mismatch"),
        (
            over().first("p_started_at", "'-infinity'"),
            "status_invalid",
        ),
        (
            over().second("p_runner", "p_runner", "' '"),
            "holder_required",
        ),
        (
            over().second("p_dot_code", "p_verifier_dot_code", "'DOT_NO'"),
            "unknown_dot",
        ),
        (
            over().second(
                "p_dot_code",
                "p_verifier_dot_code",
                &format!("'{OTHER_PRODUCER}'"),
            ),
            "role_invalid",
        ),
        (
            over().second(
                "p_dot_code",
                "p_verifier_dot_code",
                &format!("'{PRODUCER}'"),
            ),
            "id_in_use",
        ),
    ]
}

/// What is wrong with a finish, and how it is refused.
pub(crate) fn wrong_finishes(run: &Begun, receipt: &str) -> Vec<(Both, &'static str)> {
    let finish = || Both::finish(run, receipt);
    let id = "gen_random_uuid()";
    vec![
        (finish().each("p_process_run_id", id), "run_unknown"),
        (finish().each("p_lease_token", id), "lease_lost"),
        (finish().each("p_actor", "' '"), "actor_required"),
        (
            finish().first("p_correlation_id", "'another'"),
            "correlation_mismatch",
        ),
        (
            finish().first("p_evidence_type", "'DRY_RUN'"),
            "invocation_mismatch",
        ),
        (finish().first("p_invocation_id", id), "invocation_mismatch"),
        (
            finish().first("p_invocation_id", &format!("'{}'", run.receipt)),
            "invocation_mismatch",
        ),
        (
            finish().first("p_invocation_id", "NULL"),
            "invocation_required",
        ),
        (finish().first("p_verdict", "'maybe'"), "verdict_invalid"),
        (finish().first("p_status", "'failed'"), "verdict_invalid"),
        (
            finish().first("p_dot_code", &format!("'{PRODUCER}'")),
            "role_invalid",
        ),
        (
            finish().first("p_component_role", "'judge'"),
            "role_invalid",
        ),
        (
            finish().first("p_output_ref", "repeat('x', 2001)"),
            "text_too_long",
        ),
        (
            finish().second("p_output_ref", "p_run_output_ref", "repeat('x', 2001)"),
            "text_too_long",
        ),
        (
            finish().second("p_status", "p_run_status", "'started'"),
            "status_invalid",
        ),
        (
            finish().second("p_evidence_ref", "p_run_evidence_ref", "'1'"),
            "evidence_ref_invalid",
        ),
    ]
}

pub(crate) async fn handed_over(runner: &Client) -> (Begun, String) {
    let run = begun(runner, MODE).await;
    let receipt = text(runner, &Both::hand_over(&run).together.sql()).await;
    (run, receipt)
}

/// Everything of a run that does not differ between two runs of the same.
pub(crate) async fn written(superuser: &Client) -> Vec<Value> {
    let mut found = Vec::new();
    for query in [
        "SELECT component_role, dot_code, correlation_id, process_candidate_code, status, evidence_type, verdict, output_digest, source_system,
           input_ref, output_ref, error_ref, evidence_ref, actor, recorded_by, invocation_id IS NOT NULL AS bound, event_code, queue_job_id, parent_run_id
         FROM dot.process_component_observation ORDER BY component_role",
        "SELECT component_role, dot_code, mode, posture, endpoint_ref, input_digest, runner, recorded_by FROM dot.dot_invocation ORDER BY component_role",
        "SELECT status, verdict, output_ref, error_ref, evidence_ref, concluded_by, recorded_by FROM dot.process_run_conclusion",
        "SELECT event_type, stream, lane, severity, correlation_id, component_run_id IS NULL AS of_run,
           payload - 'process_run_id' - 'component_run_id' - 'event_id' - 'occurred_at' AS payload FROM dot.event_outbox ORDER BY event_seq",
        "SELECT lease_name, lease_holder, released_at IS NULL AS held, acquisitions, process_run_id IS NULL AS unbound FROM dot.dot_iu_runtime_lease",
        "SELECT run_count, real_run_count, dry_run_count, simulated_count, component_count FROM dot.v_process_discovery_runtime_observed",
        "SELECT dot_code, wrapper_status, has_observation, last_observation_type FROM dot.v_process_dot_wrapper_status ORDER BY dot_code",
        "SELECT candidate_status_v3, birth_gate_status_v3 FROM dot.v_process_discovery_candidate_status_v3",
    ] {
        found.push(json!(rows(superuser, query).await));
    }
    found
}

pub(crate) async fn activate_events(operator: &Client, superuser: &Client) {
    let types = rows(superuser, "SELECT event_type FROM dot.event_type_registry").await;
    for kind in types {
        let call = Call::new("fn_event_type_set_active")
            .text("p_event_type", kind["event_type"].as_str().unwrap())
            .with("p_active", "true")
            .text("p_actor", "tester")
            .text("p_reason", "test");
        rows(operator, &call.sql()).await;
    }
}

#[apply(on_each_backend)]
async fn combined_call_equals_two_calls(backend: Backend) {
    // Of each kind of evidence and verdict, once one after the other and once together.
    for (evidence, verdict) in [
        (MODE, "pass"),
        (MODE, "fail"),
        ("SIMULATED_DRY_RUN", "pass"),
    ] {
        let mut found = Vec::new();
        for together in [false, true] {
            let (_stage, runner, operator, superuser) = ready(backend).await;
            activate_events(&operator, &superuser).await;
            let run = begun(&runner, MODE).await;
            let over = Both::hand_over(&run)
                .first("p_output_ref", "'file:///out'")
                .first(
                    "p_evidence_ref",
                    r#"'{"a": 1, "no_execute": true, "actor": "nobody"}'"#,
                );
            let receipt = if together {
                text(&runner, &over.together.sql()).await
            } else {
                text(&runner, &over.one_by_one()).await
            };
            let between = written(&superuser).await;
            let finish = Both::finish(&run, &receipt)
                .first("p_evidence_type", &format!("'{evidence}'"))
                .first("p_verdict", &format!("'{verdict}'"))
                .second("p_output_ref", "p_run_output_ref", "'file:///out'")
                .second(
                    "p_evidence_ref",
                    "p_run_evidence_ref",
                    r#"'{"posture": "?"}'"#,
                );
            let query = if together {
                finish.together.sql()
            } else {
                finish.one_by_one()
            };
            rows(&runner, &query).await;
            found.push((between, written(&superuser).await));
        }
        let together = found.pop().unwrap();
        assert_eq!(found.pop().unwrap(), together, "{evidence} {verdict}");
    }
}

#[apply(on_each_version)]
async fn combined_record_producer_refuses_like_the_two_functions(backend: Backend) {
    let (_stage, runner, operator, superuser) = ready(backend).await;
    let run = begun(&runner, MODE).await;
    let over = || Both::hand_over(&run);
    let before = contents(&superuser).await;
    for (case, expected) in wrong_hand_overs(&run) {
        let singly = refused(&runner, &case.one_by_one()).await;
        if expected != "status_invalid" {
            assert_eq!(singly.code, expected, "{}", case.one_by_one());
        }
        assert_eq!(
            code(&runner, &case.together.sql()).await,
            singly.code,
            "{}",
            case.together.sql()
        );
    }
    contents(&superuser)
        .await
        .assert_same(&before, "a refused hand-over");

    assert_eq!(
        code(&superuser, &over().together.sql()).await,
        "invocation_mismatch",
        "another login than the one that opened the receipt"
    );
    set_posture(&operator, "DRY_RUN_ONLY").await;
    assert_eq!(
        code(&runner, &over().together.sql()).await,
        "real_run_disabled"
    );
    set_posture(&operator, MODE).await;
    run_out(&superuser).await;
    assert_eq!(code(&runner, &over().together.sql()).await, "lease_lost");
}

#[apply(on_each_version)]
async fn record_producer_is_once_only_and_in_a_later_transaction(backend: Backend) {
    let (_stage, runner, _operator, superuser) = ready(backend).await;
    execute(&runner, "BEGIN").await;
    let run = begun(&runner, MODE).await;
    let early = code(&runner, &Both::hand_over(&run).together.sql()).await;
    assert_eq!(early, "invocation_mismatch");
    execute(&runner, "ROLLBACK").await;

    let (run, receipt) = handed_over(&runner).await;
    let before = contents(&superuser).await;
    let again = code(&runner, &Both::hand_over(&run).together.sql()).await;
    assert_eq!(again, "invocation_mismatch", "as another component");
    contents(&superuser)
        .await
        .assert_same(&before, "a second hand-over");

    execute(&runner, "BEGIN").await;
    let finish = Both::finish(&run, &receipt).together.sql();
    rows(&runner, &finish).await;
    execute(&runner, "ROLLBACK").await;
    contents(&superuser)
        .await
        .assert_same(&before, "a finish that was taken back");
    rows(&runner, &finish).await;
    assert_eq!(code(&runner, &finish).await, "invocation_mismatch");
}

#[apply(on_each_version)]
async fn repeated_record_producer_returns_same_receipt(backend: Backend) {
    let (_stage, runner, operator, superuser) = ready(backend).await;
    let run = begun(&runner, MODE).await;
    let component = "'00000000-0000-7000-8000-0000000000c1'";
    let over = || Both::hand_over(&run).first("p_component_run_id", component);
    let receipt = text(&runner, &over().together.sql()).await;
    let before = contents(&superuser).await;
    assert_eq!(text(&runner, &over().together.sql()).await, receipt);
    let id = "gen_random_uuid()";
    for (case, expected) in [
        (over().each("p_lease_token", id), "invocation_mismatch"),
        (
            over().first("p_output_digest", &format!("'{OTHER_DIGEST}'")),
            "invocation_mismatch",
        ),
        (
            over().first("p_component_run_id", id),
            "invocation_mismatch",
        ),
        (
            over().second("p_runner", "p_runner", "'another'"),
            "invocation_mismatch",
        ),
    ] {
        let query = case.together.sql();
        assert_eq!(code(&runner, &query).await, expected, "{query}");
    }
    let somebody_else = code(&superuser, &over().together.sql()).await;
    assert_eq!(somebody_else, "invocation_mismatch");
    contents(&superuser)
        .await
        .assert_same(&before, "a hand-over that was asked for again");
    // A gate that closed meanwhile takes nothing back: the receipt was open before. What is called is for the runner to
    // stop.
    set_posture(&operator, "NO_EXECUTE").await;
    assert_eq!(text(&runner, &over().together.sql()).await, receipt);

    rows(&runner, &Both::finish(&run, &receipt).together.sql()).await;
    let behind = code(&runner, &over().together.sql()).await;
    assert_eq!(behind, "invocation_mismatch");
}

#[apply(on_each_version)]
async fn combined_record_verifier_refuses_like_the_two_functions(backend: Backend) {
    let (_stage, runner, operator, superuser) = ready(backend).await;
    let (run, receipt) = handed_over(&runner).await;
    let finish = || Both::finish(&run, &receipt);
    let before = contents(&superuser).await;
    for (case, expected) in wrong_finishes(&run, &receipt) {
        assert_eq!(
            code(&runner, &case.one_by_one()).await,
            expected,
            "{}",
            case.one_by_one()
        );
        assert_eq!(
            code(&runner, &case.together.sql()).await,
            expected,
            "{}",
            case.together.sql()
        );
    }
    // The lease of another pair gives the same refusal.
    let elsewhere = finish().together.text("p_run_dot_code", OTHER_PRODUCER);
    execute(&runner, "BEGIN").await;
    rows(&runner, &elsewhere.sql()).await;
    execute(&runner, "ROLLBACK").await;
    contents(&superuser)
        .await
        .assert_same(&before, "a refused finish");

    assert_eq!(
        code(&superuser, &finish().together.sql()).await,
        "invocation_mismatch"
    );
    run_out(&superuser).await;
    assert_eq!(code(&runner, &finish().together.sql()).await, "lease_lost");
    // What was called is recorded although a gate closed meanwhile; nothing more is called.
    execute(
        &superuser,
        "UPDATE dot.dot_iu_runtime_lease SET expires_at = clock_timestamp() + interval '1 hour'",
    )
    .await;
    set_posture(&operator, "NO_EXECUTE").await;
    rows(&runner, &finish().together.sql()).await;
    let state = "SELECT status, verdict FROM dot.v_process_run";
    assert_eq!(
        row(&runner, state).await,
        json!({"status": "completed", "verdict": "pass"})
    );
}

#[apply(on_each_version)]
async fn pass_requires_producer_digest(backend: Backend) {
    let (_stage, runner, _operator, superuser) = ready(backend).await;
    let run = begun(&runner, MODE).await;
    let over = Both::hand_over(&run).first("p_output_digest", "NULL");
    let receipt = text(&runner, &over.together.sql()).await;
    let before = contents(&superuser).await;
    let passed = Both::finish(&run, &receipt).together;
    assert_eq!(code(&runner, &passed.sql()).await, "verdict_invalid");
    contents(&superuser)
        .await
        .assert_same(&before, "a pass of nothing");
    rows(&runner, &passed.text("p_verdict", "error").sql()).await;
}

#[apply(on_each_version)]
async fn a_run_is_counted_once_whether_it_is_open_or_concluded(backend: Backend) {
    let (_stage, runner, _operator, superuser) = ready(backend).await;
    let counts = "SELECT run_count, real_run_count, dry_run_count, simulated_count, component_count FROM dot.v_process_discovery_runtime_observed";
    let counted = |runs: i64, real: i64, dry: i64, simulated: i64, components: i64| json!({"run_count": runs, "real_run_count": real, "dry_run_count": dry, "simulated_count": simulated, "component_count": components});
    let run = begun(&runner, MODE).await;
    assert_eq!(row(&runner, counts).await, counted(1, 0, 0, 0, 0));
    let receipt = text(&runner, &Both::hand_over(&run).together.sql()).await;
    assert_eq!(row(&runner, counts).await, counted(1, 1, 0, 0, 1));
    // A mock's verdict: the run counts under both types.
    let mock = Both::finish(&run, &receipt).first("p_evidence_type", "'SIMULATED_DRY_RUN'");
    rows(&runner, &mock.together.sql()).await;
    assert_eq!(row(&runner, counts).await, counted(1, 1, 0, 1, 2));
    // Two that the lease counts, and pairs of another type between them.
    for (runs, simulated) in [(3, 2), (5, 3)] {
        let (run, receipt) = handed_over(&runner).await;
        rows(&runner, &Both::finish(&run, &receipt).together.sql()).await;
        rows(&runner, &Call::pair().sql()).await;
        assert_eq!(
            row(&runner, counts).await,
            counted(runs, runs - simulated + 1, 0, simulated, 2 * runs)
        );
    }
    // A run without a conclusion, whose lease is taken over.
    let left = row(&runner, &begin(MODE).sql()).await;
    let left = Begun::of(&left);
    run_out(&superuser).await;
    rows(&runner, &Call::pair().sql()).await;
    assert_eq!(row(&runner, counts).await, counted(7, 3, 0, 4, 12));
    let status = format!(
        "SELECT status FROM dot.v_process_run WHERE process_run_id = '{}'",
        left.run
    );
    assert_eq!(text(&runner, &status).await, "stuck");
}

#[apply(on_each_version)]
async fn reader_sees_the_outcome_of_each_receipt(backend: Backend) {
    let (stage, runner, _operator, superuser) = ready(backend).await;
    let reader = stage.client("reader").await;
    let receipts = "SELECT component_role, input_digest, state FROM dot.v_dot_invocation ORDER BY component_role";
    let producer =
        |state: &str| json!({"component_role": "producer", "input_digest": null, "state": state});
    let verifier =
        |state: &str| json!({"component_role": "verifier", "input_digest": DIGEST, "state": state});
    assert_eq!(rows(&reader, receipts).await, [] as [Value; 0]);
    let run = begun(&runner, MODE).await;
    assert_eq!(rows(&reader, receipts).await, [producer("open")]);
    text(&runner, &Both::hand_over(&run).together.sql()).await;
    assert_eq!(
        rows(&reader, receipts).await,
        [producer("recorded"), verifier("open")]
    );
    // Its holder died: the verifier's outcome is unknown.
    run_out(&superuser).await;
    let reap = Call::new("fn_process_run_reap").text("p_actor", "tester");
    rows(&runner, &reap.sql()).await;
    assert_eq!(
        rows(&reader, receipts).await,
        [producer("recorded"), verifier("unknown")]
    );
}

#[apply(on_each_version)]
async fn stale_snapshot_does_not_get_a_used_receipt_again(backend: Backend) {
    let (stage, runner, _operator, _superuser) = ready(backend).await;
    let run = begun(&runner, MODE).await;
    let component = "'01990000-0000-7000-8000-00000000000a'";
    let hand_over = Both::hand_over(&run)
        .first("p_component_run_id", component)
        .together;
    let receipt = text(&runner, &hand_over.sql()).await;
    assert_eq!(text(&runner, &hand_over.sql()).await, receipt);
    let old = stage.client("runner").await;
    let snapshot = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM dot.v_process_run";
    execute(&old, snapshot).await;
    rows(&runner, &run.verifier(MODE, &receipt, "pass").sql()).await;
    let error = ask(&old, &hand_over.sql()).await.unwrap_err();
    assert_eq!(error.code().unwrap().code(), "40001", "{error:?}");
}
