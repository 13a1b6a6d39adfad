//! Every refusal of this release, and its form.

use std::collections::{BTreeMap, BTreeSet};

use rstest_reuse::apply;
use serde_json::json;
use tokio_postgres::Client;

use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::{
    LONE, PRODUCER, VERIFIER, import, register_candidate, register_check, set_posture,
};
use crate::common::forged_run::{self, ExecutedRun, RUN, TOKEN};
use crate::common::run_calls::bind;
use crate::common::{
    Backend, Call, Refusal, TestContext, ask, contents, execute, literal, number, rows, text,
};

/// Raised only where two transactions meet, so not by a case of the list but by tests of their own.
const OF_TWO_TRANSACTIONS: [&str; 4] =
    ["busy", "lease_limit", "login_mismatch", "snapshot_too_old"];

/// What has to be so for a refusal to be raised, besides the registry.
#[derive(Clone, Copy, PartialEq)]
enum Given {
    Nothing,
    GatesOpenForDryRuns,
    /// Contracts and gates allow real runs; the candidate `c` is registered, and no producer is declared for it.
    RealRunsAllowed,
    ToolRetired,
    PreflightBlocks,
    LeaseHeld,
    /// The key `key` was used by a pair, whose run has the id [`USED_ID`].
    KeyUsed,
    RunUnderLease,
    RunConcluded,
}

const USED_ID: &str = "11111111-1111-4111-8111-111111111111";

struct Case {
    code: &'static str,
    role: &'static str,
    given: Given,
    call: String,
}

fn case(code: &'static str, role: &'static str, call: impl Into<String>) -> Case {
    Case {
        code,
        role,
        given: Given::Nothing,
        call: call.into(),
    }
}

fn given(given: Given, code: &'static str, call: Call) -> Case {
    Case {
        code,
        role: "observer",
        given,
        call: call.sql(),
    }
}

fn contract(fields: serde_json::Value) -> String {
    Call::new("fn_dot_contract_set")
        .with(
            "p_contract",
            format!("{}::jsonb", literal(&fields.to_string())),
        )
        .text("p_actor", "operator")
        .sql()
}

fn begin(mode: &str) -> Call {
    Call::new("fn_process_run_begin")
        .text("p_dot_code", PRODUCER)
        .text("p_process_candidate_code", "c")
        .text("p_correlation_id", "c")
        .text("p_actor", "a")
        .text("p_mode", mode)
        .text("p_runner", "r")
}

fn cases() -> Vec<Case> {
    let component = || {
        Call::component(USED_ID)
            .text("p_dot_code", LONE)
            .text("p_component_role", "producer")
    };
    let force = || {
        Call::new("fn_dot_lease_force_release")
            .text("p_lease_name", "x")
            .text("p_actor", "a")
            .text("p_reason", "r")
    };
    let check = Call::new("fn_dot_preflight_check_set")
        .text("p_check_name", "c")
        .text("p_count_query", "dot.nowhere")
        .text("p_actor", "a");
    let fixture = Call::new("fn_dot_fixture_put")
        .text("p_fixture_ref", "f")
        .text("p_body", "{}")
        .text("p_sha256", "0")
        .text("p_actor", "a");
    let dry_contract = || json!({"dot_code": PRODUCER, "mode": "DRY_RUN", "no_mutation_assertion": true, "output_namespace": "DRYRUN-NS:x", "endpoint_ref": "mcp:x"});
    let changed = |key: &str, value: serde_json::Value| {
        let mut fields = dry_contract();
        fields[key] = value;
        contract(fields)
    };
    vec![
        case(
            "actor_required",
            "observer",
            Call::pair().text("p_actor", "").sql(),
        ),
        case(
            "correlation_required",
            "observer",
            Call::run().text("p_correlation_id", "").sql(),
        ),
        case(
            "candidate_required",
            "observer",
            Call::pair().text("p_process_candidate_code", "").sql(),
        ),
        case(
            "evidence_type_invalid",
            "observer",
            Call::pair().text("p_evidence_type", "REAL").sql(),
        ),
        case(
            "evidence_ref_invalid",
            "observer",
            Call::run().with("p_evidence_ref", "'[]'").sql(),
        ),
        case(
            "text_invalid",
            "observer",
            Call::run().text("p_actor", "ann\u{202e}").sql(),
        ),
        case(
            "status_invalid",
            "observer",
            Call::pair().text("p_wrapper_status", "done").sql(),
        ),
        given(
            Given::KeyUsed,
            "role_invalid",
            component().text("p_component_role", "witness"),
        ),
        case("mode_invalid", "operator", changed("mode", json!("MAYBE"))),
        given(
            Given::KeyUsed,
            "verdict_invalid",
            component().text("p_verdict", "maybe"),
        ),
        case(
            "text_too_long",
            "observer",
            Call::run().text("p_correlation_id", &"x".repeat(501)).sql(),
        ),
        case(
            "unknown_dot",
            "observer",
            Call::pair().text("p_dot_code", "DOT_NOWHERE").sql(),
        ),
        case(
            "pair_incomplete",
            "observer",
            Call::pair().text("p_dot_code", LONE).sql(),
        ),
        case(
            "not_a_producer",
            "observer",
            Call::pair().text("p_dot_code", VERIFIER).sql(),
        ),
        given(
            Given::KeyUsed,
            "correlation_mismatch",
            component().text("p_correlation_id", "another"),
        ),
        case(
            "real_run_disabled",
            "observer",
            Call::pair()
                .text("p_evidence_type", "REAL_RUN")
                .with("p_dry_run", "false")
                .sql(),
        ),
        case(
            "no_execute",
            "observer",
            Call::run().text("p_evidence_type", "DRY_RUN").sql(),
        ),
        case(
            "dry_run_contradiction",
            "observer",
            Call::pair().text("p_evidence_type", "REAL_RUN").sql(),
        ),
        case(
            "backfill_only",
            "observer",
            Call::run()
                .text("p_evidence_type", "BACKFILLED_EVIDENCE")
                .sql(),
        ),
        given(Given::PreflightBlocks, "preflight_blocked", Call::pair()),
        case("mode_not_allowed", "runner", begin("VERIFY_ONLY").sql()),
        Case {
            role: "runner",
            ..given(
                Given::GatesOpenForDryRuns,
                "contract_missing",
                begin("DRY_RUN"),
            )
        },
        case(
            "candidate_unknown",
            "operator",
            Call::new("fn_process_candidate_pair_set")
                .text("p_process_candidate_code", "nobody")
                .text("p_dot_code", PRODUCER)
                .text("p_actor", "a")
                .sql(),
        ),
        Case {
            role: "runner",
            ..given(
                Given::RealRunsAllowed,
                "candidate_unknown",
                begin("REAL_RUN").text("p_process_candidate_code", "nobody"),
            )
        },
        Case {
            role: "runner",
            ..given(
                Given::RealRunsAllowed,
                "candidate_pair_mismatch",
                begin("REAL_RUN"),
            )
        },
        Case {
            role: "runner",
            ..given(Given::ToolRetired, "tool_retired", begin("DRY_RUN"))
        },
        given(
            Given::GatesOpenForDryRuns,
            "invocation_required",
            Call::pair().text("p_evidence_type", "DRY_RUN"),
        ),
        given(
            Given::RunUnderLease,
            "invocation_mismatch",
            Call::component(RUN)
                .with("p_invocation_id", "gen_random_uuid()")
                .text("p_lease_token", TOKEN),
        ),
        case(
            "run_unknown",
            "observer",
            Call::component("99999999-9999-4999-8999-999999999999").sql(),
        ),
        given(
            Given::RunConcluded,
            "run_concluded",
            Call::component(RUN).text("p_lease_token", TOKEN),
        ),
        case(
            "fixture_missing",
            "operator",
            changed("fixture_ref", json!("nowhere")),
        ),
        case("fixture_digest_mismatch", "operator", fixture.sql()),
        case(
            "namespace_forbidden",
            "operator",
            changed("output_namespace", json!("PROD")),
        ),
        case(
            "endpoint_missing",
            "operator",
            changed("endpoint_ref", serde_json::Value::Null),
        ),
        case(
            "gate_unknown",
            "operator",
            Call::gate("no_such_gate", "true").sql(),
        ),
        case(
            "gate_value_invalid",
            "operator",
            Call::gate("process_dot_runtime.execute_enabled", "TRUE").sql(),
        ),
        case(
            "expiry_invalid",
            "operator",
            Call::gate("process_dot_runtime.execute_enabled", "true")
                .with("p_expires_at", "clock_timestamp()")
                .sql(),
        ),
        case(
            "expiry_invalid",
            "operator",
            Call::gate("process_dot_runtime.execute_enabled", "true")
                .with("p_expires_at", "'-infinity'")
                .sql(),
        ),
        case(
            "expiry_invalid",
            "operator",
            Call::gate("process_dot_runtime.execute_enabled", "true")
                .with("p_expires_at", "'infinity'")
                .sql(),
        ),
        case(
            "time_invalid",
            "observer",
            Call::run().with("p_started_at", "'infinity'").sql(),
        ),
        case(
            "time_invalid",
            "observer",
            component().with("p_ended_at", "'20000-01-01'").sql(),
        ),
        case(
            "time_invalid",
            "observer",
            Call::run()
                .text("p_started_at", "2026-01-02T00:00:00Z")
                .text("p_ended_at", "2026-01-01T23:59:59Z")
                .sql(),
        ),
        case(
            "time_invalid",
            "observer",
            Call::run()
                .with("p_started_at", "clock_timestamp() + interval '25 hours'")
                .sql(),
        ),
        case(
            "key_reserved",
            "observer",
            Call::pair().text("p_idempotency_key", "request:1").sql(),
        ),
        case(
            "digest_invalid",
            "observer",
            component().text("p_output_digest", "sha256:1").sql(),
        ),
        case(
            "reason_required",
            "operator",
            force().text("p_reason", "").sql(),
        ),
        case(
            "source_required",
            "observer",
            Call::backfill(&json!([])).text("p_source_ref", "").sql(),
        ),
        case(
            "holder_required",
            "observer",
            Call::acquire(1).text("p_holder", "").sql(),
        ),
        case(
            "lease_name_invalid",
            "observer",
            Call::acquire(1).text("p_lease_name", "").sql(),
        ),
        case("ttl_invalid", "observer", Call::acquire(0).sql()),
        case("ttl_invalid", "observer", Call::acquire(86_401).sql()),
        case("ttl_invalid", "observer", Call::acquire(-1).sql()),
        case(
            "ttl_invalid",
            "observer",
            Call::acquire(1).with("p_ttl_seconds", "NULL").sql(),
        ),
        case(
            "ttl_invalid",
            "observer",
            Call::pair().with("p_lease_ttl_seconds", "0").sql(),
        ),
        case(
            "ttl_invalid",
            "observer",
            Call::pair().with("p_lease_ttl_seconds", "NULL").sql(),
        ),
        case(
            "ttl_invalid",
            "observer",
            Call::lease("fn_dot_iu_runtime_lease_renew")
                .with("p_token", "gen_random_uuid()")
                .with("p_ttl_seconds", "86401")
                .sql(),
        ),
        case(
            "ledger_append_only",
            "owner",
            "SELECT pg_temp.try('DELETE FROM dot.process_run_observation')",
        ),
        case("tool_invalid", "operator", import(&json!([{}])).sql()),
        case("check_invalid", "operator", check.sql()),
        case(
            "contract_invalid",
            "operator",
            changed("surprise", json!(1)),
        ),
        case(
            "event_type_unknown",
            "operator",
            crate::events::switch("process.nowhere", true),
        ),
        case(
            "backfill_row_invalid",
            "observer",
            Call::backfill(&json!([1])).sql(),
        ),
        given(
            Given::KeyUsed,
            "idempotency_conflict",
            Call::pair()
                .text("p_idempotency_key", "key")
                .text("p_correlation_id", "another"),
        ),
        given(
            Given::KeyUsed,
            "id_in_use",
            Call::pair().text("p_process_run_id", USED_ID),
        ),
        given(Given::LeaseHeld, "lease_held", Call::pair()),
        given(Given::RunUnderLease, "lease_lost", Call::component(RUN)),
    ]
}

/// The SQLSTATE that the contract gives to a code.
fn sqlstate_of(code: &str) -> &'static str {
    match code {
        "idempotency_conflict" | "id_in_use" => "23505",
        "lease_held" | "lease_lost" | "busy" => "55P03",
        "login_mismatch" => "42501",
        "snapshot_too_old" => "40001",
        _ => "23514",
    }
}

async fn bring_about(stage: &TestContext, superuser: &Client, given: Given) {
    let (observer, operator) = (
        stage.client("observer").await,
        stage.client("operator").await,
    );
    match given {
        Given::Nothing => (),
        Given::GatesOpenForDryRuns => set_posture(&operator, "DRY_RUN_ONLY").await,
        Given::RealRunsAllowed => {
            bind(&operator).await;
            register_candidate(&operator, "c").await;
            set_posture(&operator, "REAL_RUN").await;
        }
        Given::ToolRetired => {
            bind(&operator).await;
            set_posture(&operator, "REAL_RUN").await;
            let retire = Call::new("fn_dot_tool_retire")
                .text("p_dot_code", PRODUCER)
                .text("p_actor", "a")
                .text("p_reason", "r");
            rows(&operator, &retire.sql()).await;
        }
        Given::PreflightBlocks => {
            register_check(superuser, "blocks", "BEGIN RETURN 1; END", "BLOCK", "0").await
        }
        Given::LeaseHeld => drop(rows(&observer, &Call::acquire(3600).sql()).await),
        Given::KeyUsed => drop(
            rows(
                &observer,
                &Call::pair()
                    .text("p_idempotency_key", "key")
                    .text("p_process_run_id", USED_ID)
                    .sql(),
            )
            .await,
        ),
        Given::RunUnderLease => forged_run::begin(superuser).await,
        Given::RunConcluded => {
            forged_run::begin(superuser).await;
            execute(superuser, &ExecutedRun::truthful().conclusion.sql()).await;
        }
    }
}

/// Makes the calls of all cases that want the same to be given.
async fn each_is_refused(backend: Backend, given: Given) {
    let stage = TestContext::new(backend).await;
    let superuser = stage.superuser().await;
    bring_about(&stage, &superuser, given).await;
    let owner = stage.superuser().await;
    execute(&owner, "CREATE FUNCTION pg_temp.try(p_command text) RETURNS void LANGUAGE plpgsql AS 'BEGIN EXECUTE p_command; END'; SET ROLE dot_owner").await;
    let clients = BTreeMap::from([
        ("observer", stage.client("observer").await),
        ("runner", stage.client("runner").await),
        ("operator", stage.client("operator").await),
        ("owner", owner),
    ]);
    let hints = rows(&superuser, "SELECT code, hint FROM dot.v_dot_refusal_code").await;
    let before = contents(&superuser).await;
    for case in cases().into_iter().filter(|case| case.given == given) {
        let error = match ask(&clients[case.role], &case.call).await {
            Ok(rows) => panic!("not refused as {} but {rows:?}: {}", case.code, case.call),
            Err(error) => error,
        };
        let refusal = Refusal::of(&error);
        assert_eq!(
            (refusal.code.as_str(), refusal.sqlstate.as_str()),
            (case.code, sqlstate_of(case.code)),
            "{}",
            case.call
        );
        assert!(!refusal.message.trim().is_empty());
        let hint = hints.iter().find(|row| row["code"] == case.code).unwrap();
        assert_eq!(hint["hint"], refusal.hint.as_str());
        contents(&superuser)
            .await
            .assert_same(&before, &format!("{} ({})", case.code, case.call));
        // The error comes before its transaction has ended; the answer to another question comes after.
        rows(&clients[case.role], "SELECT 1 AS ended").await;
        let locks = crate::common::number(&superuser, "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE d.datname = current_database() AND l.locktype = 'advisory'").await;
        assert_eq!(locks, 0, "{} keeps a lock", case.code);
    }
}

#[apply(on_each_backend)]
async fn each_refusal_has_the_documented_form_and_writes_no_row(backend: Backend) {
    each_is_refused(backend, Given::Nothing).await;
}

#[apply(on_each_backend)]
async fn refusals_for_a_used_key_or_id_write_no_row(backend: Backend) {
    each_is_refused(backend, Given::KeyUsed).await;
}

#[apply(on_each_backend)]
async fn blocking_preflight_writes_no_row(backend: Backend) {
    each_is_refused(backend, Given::PreflightBlocks).await;
}

#[apply(on_each_backend)]
async fn refusal_for_a_held_lease_writes_no_row(backend: Backend) {
    each_is_refused(backend, Given::LeaseHeld).await;
}

#[apply(on_each_backend)]
async fn refusal_for_a_missing_receipt_writes_no_row(backend: Backend) {
    each_is_refused(backend, Given::GatesOpenForDryRuns).await;
}

#[apply(on_each_backend)]
async fn refusals_for_candidates_and_retired_tools_write_no_row(backend: Backend) {
    each_is_refused(backend, Given::RealRunsAllowed).await;
    each_is_refused(backend, Given::ToolRetired).await;
}

#[apply(on_each_backend)]
async fn refusals_under_a_lease_write_no_row(backend: Backend) {
    each_is_refused(backend, Given::RunUnderLease).await;
    each_is_refused(backend, Given::RunConcluded).await;
}

#[apply(on_each_version)]
async fn the_list_of_codes_is_the_contracts_and_every_code_is_tested(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let reader = stage.client("reader").await;
    let listed = rows(
        &reader,
        "SELECT code, sqlstate, hint FROM dot.v_dot_refusal_code",
    )
    .await;
    let codes: BTreeSet<&str> = listed
        .iter()
        .map(|row| row["code"].as_str().unwrap())
        .collect();
    assert_eq!(codes.len(), listed.len(), "a code stands there twice");
    for row in &listed {
        assert_eq!(
            row["sqlstate"],
            sqlstate_of(row["code"].as_str().unwrap()),
            "{row}"
        );
        assert!(!row["hint"].as_str().unwrap().trim().is_empty(), "{row}");
    }
    let tested: Vec<Case> = cases();
    let mut known: BTreeSet<&str> = tested.iter().map(|case| case.code).collect();
    for untested in &OF_TWO_TRANSACTIONS {
        assert!(known.insert(untested), "{untested} is in the list already");
    }
    assert_eq!(codes, known);
}

#[apply(on_each_version)]
async fn concurrent_uncommitted_change_is_refused_as_busy(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, mut slow, operator) = (
        stage.superuser().await,
        stage.client("operator").await,
        stage.client("operator").await,
    );
    let gate = Call::gate("process_dot_runtime.execute_enabled", "false").sql();
    let uncommitted = slow.transaction().await.unwrap();
    rows(&uncommitted, &gate).await;
    let before = contents(&superuser).await;
    let refusal = crate::common::refused(&operator, &gate).await;
    assert_eq!(
        (refusal.code.as_str(), refusal.sqlstate.as_str()),
        ("busy", "55P03")
    );
    contents(&superuser).await.assert_same(&before, "busy");
}

/// A refusal to record, with this in place of one of its members.
fn record(member: &str, value: serde_json::Value) -> String {
    let mut refusal = json!({"refusal_code": "no_execute", "message": "m"});
    refusal[member] = value;
    format!(
        "SELECT dot.fn_dot_refusal_record({}::jsonb)::text AS id",
        literal(&refusal.to_string())
    )
}

#[apply(on_each_backend)]
async fn a_recorded_refusal_holds_no_forged_code_or_posture_and_little_detail(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    let codes = [
        ("no_execute", "no_execute"),
        ("of_a_newer_release", "of_a_newer_release"),
        ("", "unknown"),
        ("No_Execute", "unknown"),
        ("9lives", "unknown"),
        ("a code", "unknown"),
        ("code\n", "unknown"),
        ("\u{1b}[31m", "unknown"),
        ("é", "unknown"),
    ];
    let too_long = "x".repeat(61);
    for (said, kept) in codes.into_iter().chain([(&*too_long, "unknown")]) {
        let id = text(&observer, &record("refusal_code", json!(said))).await;
        let query = format!("SELECT refusal_code FROM dot.v_dot_refusal WHERE refusal_id = '{id}'");
        assert_eq!(text(&observer, &query).await, kept, "{said:?}");
    }
    for detail in [
        json!({"x": "y".repeat(65_000)}),
        json!({"x": "\"".repeat(5000)}),
        json!({"x": "🧭".repeat(5000)}),
        json!({"x": "\u{1}\\".repeat(5000)}),
        json!(["🧭".repeat(5000)]),
        json!({"🧭".repeat(2000): 1}),
    ] {
        text(&observer, &record("detail", detail)).await;
    }
    // Numbers that are short as they are stored, and together longer than PostgreSQL's longest text.
    let many = "SELECT dot.fn_dot_refusal_record(jsonb_build_object('refusal_code', 'busy', MEMBER,
        (SELECT jsonb_agg('1e131071'::numeric) FROM generate_series(1, 10000))))::text AS id";
    for member in ["'detail'", "'message'", "'actor'"] {
        text(&observer, &many.replace("MEMBER", member)).await;
    }
    text(&observer, &record("posture", json!("REAL_RUN"))).await;
    let bounds = "SELECT max(octet_length(detail::text)) <= 4096 AS are_small, bool_and(posture = 'NO_EXECUTE') AS
      are_the_databases,
        bool_and(recorded_by = 'dot_observer') AS are_the_logins FROM dot.v_dot_refusal";
    assert_eq!(
        rows(&observer, bounds).await,
        [json!({"are_small": true, "are_the_databases": true, "are_the_logins": true})]
    );
}

#[apply(on_each_backend)]
async fn a_login_records_a_thousand_refusals_an_hour_and_no_more(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, runner, superuser) = (
        stage.client("observer").await,
        stage.client("runner").await,
        stage.superuser().await,
    );
    let kept = "SELECT count(*) FROM dot.v_dot_refusal WHERE recorded_by = 'dot_observer'";
    let many = r#"SELECT count(dot.fn_dot_refusal_record('{"refusal_code": "busy"}')) FROM generate_series(1, 1500)"#;
    assert_eq!(number(&observer, many).await, 1000);
    assert_eq!(number(&observer, kept).await, 1000);
    assert_eq!(
        text(&observer, &record("actor", json!("another"))).await,
        ""
    );
    assert_eq!(number(&observer, kept).await, 1000);
    // Other logins have their own, and an hour later there is room again.
    assert_ne!(text(&runner, &record("actor", json!("a"))).await, "");
    execute(
        &superuser,
        "UPDATE dot.dot_refusal SET refused_at = refused_at - interval '1 hour'",
    )
    .await;
    assert_ne!(text(&observer, &record("actor", json!("a"))).await, "");
}
