//! Each refusal has the documented form and writes no row, and each code has a case.

use std::collections::{BTreeMap, BTreeSet};

use rstest_reuse::apply;

use super::argument_cases::argument_cases;
use super::case::{Case, Precondition, set_up};
use super::registry_cases::registry_cases;
use super::state_cases::state_cases;
use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::{Backend, Refusal, TestContext, ask, contents, execute, rows};

/// The codes that need more than one call. The tests of their features raise them.
const CODES_TESTED_ELSEWHERE: [&str; 14] = [
    "attempts_exhausted",
    "busy",
    "contract_changed",
    "input_has_secret",
    "lease_limit",
    "login_mismatch",
    "no_output",
    "outcome_unknown",
    "output_event_invalid",
    "request_invalid",
    "run_stopped",
    "snapshot_too_old",
    "still_running",
    "tool_paused",
];

/// The cases of all refusals that a single call can raise.
fn cases() -> Vec<Case> {
    let mut cases = argument_cases();
    cases.extend(registry_cases());
    cases.extend(state_cases());
    cases
}

/// The SQLSTATE that the contract gives to a code.
fn sqlstate_of(code: &str) -> &'static str {
    match code {
        "idempotency_conflict" | "id_in_use" => "23505",
        "lease_held" | "lease_lost" | "busy" | "still_running" | "contract_changed" => "55P03",
        "login_mismatch" => "42501",
        "snapshot_too_old" => "40001",
        _ => "23514",
    }
}

/// Makes the calls of all cases with this precondition.
async fn each_is_refused(backend: Backend, precondition: Precondition) {
    let stage = TestContext::new(backend).await;
    let superuser = stage.superuser().await;
    set_up(&stage, &superuser, precondition).await;
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
    for case in cases()
        .into_iter()
        .filter(|case| case.precondition == precondition)
    {
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
        // The error arrives before its transaction has ended. The result of another statement arrives after.
        rows(&clients[case.role], "SELECT 1 AS ended").await;
        let locks = crate::common::number(&superuser, "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE d.datname = current_database() AND l.locktype = 'advisory'").await;
        assert_eq!(locks, 0, "{} keeps a lock", case.code);
    }
}

#[apply(on_each_backend)]
async fn each_refusal_has_the_documented_form_and_writes_no_row(backend: Backend) {
    each_is_refused(backend, Precondition::None).await;
}

#[apply(on_each_backend)]
async fn refusals_for_a_used_key_or_id_write_no_row(backend: Backend) {
    each_is_refused(backend, Precondition::KeyUsed).await;
}

#[apply(on_each_backend)]
async fn blocking_preflight_writes_no_row(backend: Backend) {
    each_is_refused(backend, Precondition::PreflightBlocks).await;
}

#[apply(on_each_backend)]
async fn refusal_for_a_held_lease_writes_no_row(backend: Backend) {
    each_is_refused(backend, Precondition::LeaseHeld).await;
}

#[apply(on_each_backend)]
async fn refusal_for_a_missing_receipt_writes_no_row(backend: Backend) {
    each_is_refused(backend, Precondition::GatesOpenForDryRuns).await;
}

#[apply(on_each_backend)]
async fn refusals_for_candidates_and_retired_tools_write_no_row(backend: Backend) {
    each_is_refused(backend, Precondition::RealRunsAllowed).await;
    each_is_refused(backend, Precondition::ToolRetired).await;
}

#[apply(on_each_backend)]
async fn refusals_under_a_lease_write_no_row(backend: Backend) {
    each_is_refused(backend, Precondition::RunUnderLease).await;
    each_is_refused(backend, Precondition::RunConcluded).await;
}

#[apply(on_each_version)]
async fn every_refusal_code_of_the_contract_is_tested(backend: Backend) {
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
    for untested in &CODES_TESTED_ELSEWHERE {
        assert!(known.insert(untested), "{untested} is in the list already");
    }
    assert_eq!(codes, known);
}
