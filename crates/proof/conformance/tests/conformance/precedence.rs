//! The precedence of refusals where several apply.

use rstest_reuse::apply;
use tokio_postgres::Client;

use crate::common::backend::on_each_version;
use crate::common::fixtures::{
    CORRELATION, LONE, OTHER_PRODUCER, PRODUCER, VERIFIER, register_check, set_posture,
};
use crate::common::{Backend, Call, TestContext, code, contents, execute, rows, text};

/// A fault in a call, or in what surrounds it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    Malformed,
    UnknownDot,
    Conflict,
    RealRunDisabled,
    NoExecute,
    InvocationRequired,
    PreflightBlocked,
    LeaseHeld,
}

/// In the contract's order.
const PRECEDENCE: [(Fault, &str); 8] = [
    (Fault::Malformed, "actor_required"),
    (Fault::UnknownDot, "unknown_dot"),
    (Fault::Conflict, "idempotency_conflict"),
    (Fault::RealRunDisabled, "real_run_disabled"),
    (Fault::NoExecute, "no_execute"),
    (Fault::InvocationRequired, "invocation_required"),
    (Fault::PreflightBlocked, "preflight_blocked"),
    (Fault::LeaseHeld, "lease_held"),
];

impl Fault {
    fn is_about_evidence(self) -> bool {
        matches!(
            self,
            Self::RealRunDisabled | Self::NoExecute | Self::InvocationRequired
        )
    }

    /// The call with this fault in it.
    fn put_into(self, call: Call) -> Call {
        match self {
            Self::Malformed => call.text("p_actor", " "),
            Self::UnknownDot => call.text("p_dot_code", "DOT_NOWHERE"),
            Self::Conflict => call
                .text("p_idempotency_key", "key")
                .text("p_correlation_id", "another"),
            Self::RealRunDisabled => call.text("p_evidence_type", "REAL_RUN"),
            Self::NoExecute | Self::InvocationRequired => call.text("p_evidence_type", "DRY_RUN"),
            Self::PreflightBlocked | Self::LeaseHeld => call,
        }
    }
}

/// The surroundings in which these faults hold; all others' are as they should be.
async fn surround(superuser: &Client, faults: &[Fault]) {
    let says = |on: bool| if on { "true" } else { "false" };
    let open = faults.contains(&Fault::InvocationRequired);
    execute(
        superuser,
        &format!(
            "UPDATE dot.dot_config SET value = '{gate}' WHERE key IN ('iu_core.operator_runtime_enabled', 'process_dot_runtime.execute_enabled');
             UPDATE dot.dot_preflight_check SET enabled = {blocks} WHERE check_name = 'blocks';
             UPDATE dot.dot_iu_runtime_lease SET released_at = CASE WHEN {held} THEN NULL ELSE clock_timestamp() END, expires_at = clock_timestamp() + interval '1 hour'",
            gate = says(open),
            blocks = says(faults.contains(&Fault::PreflightBlocked)),
            held = says(faults.contains(&Fault::LeaseHeld)),
        ),
    )
    .await;
}

/// Which faults can hold of one call at the same time.
fn can_meet(one: Fault, other: Fault) -> bool {
    // Real runs closed and posture NO_EXECUTE hold together; the others want different evidence or gates.
    !(one.is_about_evidence() && other.is_about_evidence())
}

#[apply(on_each_version)]
async fn pair_reports_first_refusal_in_contract_order(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, observer) = (stage.superuser().await, stage.client("observer").await);
    rows(
        &observer,
        &Call::pair().text("p_idempotency_key", "key").sql(),
    )
    .await;
    register_check(&superuser, "blocks", "BEGIN RETURN 1; END", "BLOCK", "0").await;
    for dot_code in [PRODUCER, "DOT_NOWHERE"] {
        execute(
            &superuser,
            &format!(
                "DELETE FROM dot.dot_iu_runtime_lease WHERE lease_name = 'dot_exec:{dot_code}'"
            ),
        )
        .await;
        rows(
            &observer,
            &Call::acquire(3600)
                .text("p_lease_name", &format!("dot_exec:{dot_code}"))
                .sql(),
        )
        .await;
    }
    for (position, (first, expected)) in PRECEDENCE.into_iter().enumerate() {
        for (second, _) in PRECEDENCE
            .into_iter()
            .skip(position)
            .filter(|(second, _)| first == *second || can_meet(first, *second))
        {
            surround(&superuser, &[first, second]).await;
            let call = first.put_into(
                second.put_into(
                    Call::pair()
                        .with("p_dry_run", "false")
                        .text("p_correlation_id", "new"),
                ),
            );
            assert_eq!(
                code(&observer, &call.sql()).await,
                expected,
                "{first:?} and {second:?}: {}",
                call.sql()
            );
        }
    }
    // All that can hold together.
    let all = [
        Fault::Malformed,
        Fault::UnknownDot,
        Fault::Conflict,
        Fault::RealRunDisabled,
        Fault::PreflightBlocked,
        Fault::LeaseHeld,
    ];
    for position in 0..all.len() {
        surround(&superuser, &all[position..]).await;
        let call = all[position..].iter().fold(
            Call::pair()
                .with("p_dry_run", "false")
                .text("p_correlation_id", "new"),
            |call, fault| fault.put_into(call),
        );
        let expected = PRECEDENCE
            .iter()
            .find(|(fault, _)| *fault == all[position])
            .unwrap()
            .1;
        assert_eq!(
            code(&observer, &call.sql()).await,
            expected,
            "{:?}",
            &all[position..]
        );
    }
}

#[apply(on_each_version)]
async fn execution_reports_first_refusal_in_contract_order(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, operator) = (
        stage.client("observer").await,
        stage.client("operator").await,
    );
    let run = text(&observer, &Call::run().text("p_dot_code", PRODUCER).sql()).await;
    let claims = |evidence_type: &str| {
        [
            Call::pair()
                .with("p_dry_run", "false")
                .text("p_evidence_type", evidence_type)
                .sql(),
            Call::component(&run)
                .text("p_evidence_type", evidence_type)
                .sql(),
        ]
    };
    // Everything closed: real_run_disabled, no_execute and invocation_required hold.
    for call in claims("REAL_RUN") {
        assert_eq!(code(&observer, &call).await, "real_run_disabled");
    }
    // no_execute and invocation_required hold, in two ways.
    for call in claims("DRY_RUN") {
        assert_eq!(code(&observer, &call).await, "no_execute");
    }
    rows(
        &operator,
        &Call::gate("process_dot_runtime.real_run_enabled", "true").sql(),
    )
    .await;
    for call in claims("REAL_RUN") {
        assert_eq!(code(&observer, &call).await, "no_execute");
    }
    // real_run_disabled and invocation_required hold.
    set_posture(&operator, "DRY_RUN_ONLY").await;
    for call in claims("REAL_RUN") {
        assert_eq!(code(&observer, &call).await, "real_run_disabled");
    }
}

#[apply(on_each_version)]
async fn single_recording_reports_first_refusal_in_contract_order(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, observer) = (stage.superuser().await, stage.client("observer").await);
    register_check(&superuser, "blocks", "BEGIN RETURN 1; END", "BLOCK", "0").await;
    surround(&superuser, &[]).await;
    let run = text(
        &observer,
        &Call::run()
            .text("p_idempotency_key", "key")
            .text("p_dot_code", PRODUCER)
            .sql(),
    )
    .await;
    rows(
        &observer,
        &Call::component(&run)
            .text("p_idempotency_key", "component key")
            .sql(),
    )
    .await;
    let of_a_run = [
        Fault::Malformed,
        Fault::UnknownDot,
        Fault::Conflict,
        Fault::RealRunDisabled,
        Fault::PreflightBlocked,
    ];
    let expected = |fault: Fault| {
        PRECEDENCE
            .iter()
            .find(|(other, _)| *other == fault)
            .unwrap()
            .1
    };
    for (position, first) in of_a_run.into_iter().enumerate() {
        for second in of_a_run.into_iter().skip(position) {
            surround(&superuser, &[first, second]).await;
            let call = first.put_into(
                second.put_into(
                    Call::run()
                        .text("p_dot_code", PRODUCER)
                        .text("p_correlation_id", "new"),
                ),
            );
            assert_eq!(
                code(&observer, &call.sql()).await,
                expected(first),
                "{first:?} and {second:?}"
            );
        }
    }
    surround(&superuser, &[]).await;
    let verifier = || {
        Call::component(&run)
            .text("p_component_role", "verifier")
            .text("p_dot_code", VERIFIER)
            .text("p_correlation_id", CORRELATION)
    };
    let put = |fault: Fault, call: Call| match fault {
        Fault::Conflict => call.text("p_idempotency_key", "component key"),
        other => other.put_into(call),
    };
    let of_a_component = [
        Fault::Malformed,
        Fault::UnknownDot,
        Fault::Conflict,
        Fault::RealRunDisabled,
    ];
    for (position, first) in of_a_component.into_iter().enumerate() {
        for second in of_a_component.into_iter().skip(position) {
            let call = put(first, put(second, verifier()));
            assert_eq!(
                code(&observer, &call.sql()).await,
                expected(first),
                "{first:?} and {second:?} of a component"
            );
        }
    }
}

#[apply(on_each_version)]
async fn argument_errors_precede_state_errors(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, observer) = (stage.superuser().await, stage.client("observer").await);
    register_check(&superuser, "blocks", "BEGIN RETURN 1; END", "BLOCK", "0").await;
    rows(&observer, &Call::acquire(3600).sql()).await;
    let broken = Call::pair().text("p_dot_code", "DOT_NOWHERE");
    let malformed = [
        (
            "correlation_required",
            broken.clone().with("p_correlation_id", "NULL"),
        ),
        (
            "candidate_required",
            broken.clone().with("p_process_candidate_code", "NULL"),
        ),
        (
            "text_too_long",
            broken.clone().text("p_output_ref", &"x".repeat(2001)),
        ),
        (
            "evidence_ref_invalid",
            broken.clone().with("p_evidence_ref", "'[]'"),
        ),
        (
            "status_invalid",
            broken.clone().text("p_wrapper_status", "done"),
        ),
        (
            "evidence_type_invalid",
            broken.clone().text("p_evidence_type", "REAL"),
        ),
        (
            "backfill_only",
            broken
                .clone()
                .text("p_evidence_type", "BACKFILLED_EVIDENCE"),
        ),
        (
            "dry_run_contradiction",
            broken.clone().text("p_evidence_type", "REAL_RUN"),
        ),
        (
            "ttl_invalid",
            broken.clone().with("p_lease_ttl_seconds", "0"),
        ),
        (
            "ttl_invalid",
            broken
                .clone()
                .with("p_lease_ttl_seconds", "0")
                .with("p_dot_code", "NULL"),
        ),
        ("unknown_dot", broken.clone()),
        (
            "not_a_producer",
            broken.clone().text("p_dot_code", VERIFIER),
        ),
        ("pair_incomplete", broken.text("p_dot_code", LONE)),
        (
            "preflight_blocked",
            Call::pair().text("p_dot_code", OTHER_PRODUCER),
        ),
    ];
    let before = contents(&superuser).await;
    for (expected, call) in malformed {
        assert_eq!(
            code(&observer, &call.sql()).await,
            expected,
            "{}",
            call.sql()
        );
    }
    contents(&superuser)
        .await
        .assert_same(&before, "a refused call");
}
