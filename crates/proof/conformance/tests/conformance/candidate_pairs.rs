//! The candidates of each producer: declared, inferred by an upgrade, confirmed, removed; and retired tools.

use rstest_reuse::apply;
use serde_json::{Value, json};
use tokio_postgres::{Client, GenericClient};

use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::{
    CANDIDATE, LONE, OTHER_PRODUCER, PRODUCER, VERIFIER, import, register_candidate, set_posture,
    tools,
};
use crate::common::forged_run::ExecutedRun;
use crate::common::run_calls::{Begun, begin, bind, ready};
use crate::common::{
    Backend, Call, TestContext, code, contents, execute, literal, refused, row, rows, text, value,
};

/// A registered candidate that no producer is declared for.
const BORROWED: &str = "PROC-CAND:postgresql:physical-backup";

fn declare(candidate: &str, producer: &str) -> Call {
    Call::new("fn_process_candidate_pair_set")
        .text("p_process_candidate_code", candidate)
        .text("p_dot_code", producer)
        .text("p_actor", "operator")
}

fn remove(candidate: &str, producer: &str) -> Call {
    declare(candidate, producer).with("p_declared", "false")
}

fn retire(dot_code: &str) -> String {
    Call::new("fn_dot_tool_retire")
        .text("p_dot_code", dot_code)
        .text("p_actor", "operator")
        .text("p_reason", "replaced")
        .sql()
}

fn begin_for(mode: &str, candidate: &str) -> String {
    begin(mode)
        .text("p_process_candidate_code", candidate)
        .sql()
}

fn request(mode: &str, candidate: &str) -> String {
    Call::new("fn_dot_run_request")
        .text("p_dot_code", PRODUCER)
        .text("p_process_candidate_code", candidate)
        .text("p_correlation_id", "c")
        .text("p_actor", "tester")
        .text("p_mode", mode)
        .sql()
}

async fn conclude(runner: &impl GenericClient, run: &Begun) {
    rows(runner, &run.conclusion("cancelled").sql()).await;
}

/// A whole real run of the pair, as a runner records it.
async fn run_for(runner: &Client, candidate: &str) {
    let run = Begun::of(&row(runner, &begin_for("REAL_RUN", candidate)).await);
    rows(runner, &run.producer("REAL_RUN").sql()).await;
    let receipt = text(runner, &run.invocation().sql()).await;
    rows(runner, &run.verifier("REAL_RUN", &receipt, "pass").sql()).await;
    let conclusion = run.conclusion("completed").text("p_verdict", "pass");
    rows(runner, &conclusion.sql()).await;
}

async fn rung(client: &impl GenericClient, candidate: &str) -> Value {
    let query = format!(
        "SELECT candidate_status_v3, has_inferred_pair FROM dot.v_process_discovery_birth_readiness_v3
         WHERE process_candidate_code = {}",
        literal(candidate)
    );
    row(client, &query).await
}

fn stands(rung: &str, has_inferred_pair: bool) -> Value {
    json!({"candidate_status_v3": rung, "has_inferred_pair": has_inferred_pair})
}

async fn pairs(client: &impl GenericClient) -> Vec<Value> {
    rows(
        client,
        "SELECT process_candidate_code AS candidate, dot_code, is_inferred, is_registered
         FROM dot.v_process_candidate_pair ORDER BY 1, 2",
    )
    .await
}

#[apply(on_each_backend)]
async fn begin_refuses_a_real_run_for_an_unregistered_candidate(backend: Backend) {
    let (_stage, runner, _operator, superuser) = ready(backend).await;
    let before = contents(&superuser).await;
    let typo = format!("{CANDIDATE}s");
    let refusal = refused(&runner, &begin_for("REAL_RUN", &typo)).await;
    assert_eq!(refusal.code, "candidate_unknown");
    assert_eq!(refusal.detail["process_candidate_code"], typo);
    for (near, expected) in [
        (CANDIDATE.to_lowercase(), "candidate_unknown"),
        (format!("{CANDIDATE} "), "text_invalid"),
        (format!("{CANDIDATE}\u{a0}"), "text_invalid"),
    ] {
        assert_eq!(
            code(&runner, &begin_for("REAL_RUN", &near)).await,
            expected,
            "{near:?}"
        );
    }
    contents(&superuser).await.assert_same(&before, "a refusal");
    // A dry run proves nothing real, and may name any.
    row(&runner, &begin_for("DRY_RUN", &typo)).await;
}

#[apply(on_each_backend)]
async fn begin_refuses_a_real_run_for_a_borrowed_candidate(backend: Backend) {
    let (_stage, runner, operator, superuser) = ready(backend).await;
    register_candidate(&operator, BORROWED).await;
    let before = contents(&superuser).await;
    let refusal = refused(&runner, &begin_for("REAL_RUN", BORROWED)).await;
    assert_eq!(refusal.code, "candidate_pair_mismatch");
    assert_eq!(refusal.detail["declared_for"], json!([CANDIDATE]));
    contents(&superuser).await.assert_same(&before, "a refusal");
    // Another producer's declaration is not this one's.
    rows(&operator, &declare(BORROWED, OTHER_PRODUCER).sql()).await;
    assert_eq!(
        code(&runner, &begin_for("REAL_RUN", BORROWED)).await,
        "candidate_pair_mismatch"
    );
    let dry = Begun::of(&row(&runner, &begin_for("DRY_RUN", BORROWED)).await);
    conclude(&runner, &dry).await;
    let simulated = Call::pair().text("p_process_candidate_code", BORROWED);
    rows(&runner, &simulated.sql()).await;
    rows(&operator, &declare(BORROWED, PRODUCER).sql()).await;
    row(&runner, &begin_for("REAL_RUN", BORROWED)).await;
}

#[apply(on_each_backend)]
async fn request_refuses_real_runs_of_undeclared_pairs(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (runner, operator) = (stage.client("runner").await, stage.client("operator").await);
    bind(&operator).await;
    register_candidate(&operator, BORROWED).await;
    assert_eq!(
        code(&runner, &request("REAL_RUN", "PROC-CAND:typo")).await,
        "candidate_unknown"
    );
    assert_eq!(
        code(&runner, &request("REAL_RUN", BORROWED)).await,
        "candidate_pair_mismatch"
    );
    rows(&runner, &request("DRY_RUN", "PROC-CAND:typo")).await;
    rows(&runner, &request("REAL_RUN", CANDIDATE)).await;
}

#[apply(on_each_backend)]
async fn removing_a_pair_lowers_its_rung_and_declaring_it_restores_it(backend: Backend) {
    let (_stage, runner, operator, _superuser) = ready(backend).await;
    run_for(&runner, CANDIDATE).await;
    let verified = stands("verified_candidate", false);
    assert_eq!(rung(&runner, CANDIDATE).await, verified);
    let change = text(&operator, &remove(CANDIDATE, PRODUCER).sql()).await;
    assert_eq!(change, "removed");
    assert_eq!(
        rung(&runner, CANDIDATE).await,
        stands("structural_candidate", false),
        "another producer is declared for it, and proves nothing"
    );
    let shown = "SELECT count(*)::text FROM dot.v_process_discovery_verified_candidates_v3";
    assert_eq!(text(&runner, shown).await, "0");
    let again = text(&operator, &remove(CANDIDATE, PRODUCER).sql()).await;
    assert_eq!(again, "absent");
    assert_eq!(
        code(&runner, &begin("REAL_RUN").sql()).await,
        "candidate_pair_mismatch"
    );
    let change = text(&operator, &declare(CANDIDATE, PRODUCER).sql()).await;
    assert_eq!(change, "declared");
    assert_eq!(rung(&runner, CANDIDATE).await, verified);
    let again = text(&operator, &declare(CANDIDATE, PRODUCER).sql()).await;
    assert_eq!(again, "kept");
}

#[apply(on_each_version)]
async fn run_of_a_pair_removed_meanwhile_is_no_proof(backend: Backend) {
    let (_stage, runner, operator, _superuser) = ready(backend).await;
    let run = Begun::of(&row(&runner, &begin("REAL_RUN").sql()).await);
    rows(&operator, &remove(CANDIDATE, PRODUCER).sql()).await;
    rows(&runner, &run.producer("REAL_RUN").sql()).await;
    let receipt = text(&runner, &run.invocation().sql()).await;
    rows(&runner, &run.verifier("REAL_RUN", &receipt, "pass").sql()).await;
    let conclusion = run.conclusion("completed").text("p_verdict", "pass");
    rows(&runner, &conclusion.sql()).await;
    assert_eq!(
        rung(&runner, CANDIDATE).await,
        stands("structural_candidate", false)
    );
}

#[apply(on_each_version)]
async fn rows_of_an_undeclared_pair_are_no_proof(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, operator) = (stage.superuser().await, stage.client("operator").await);
    register_candidate(&operator, CANDIDATE).await;
    rows(&operator, &remove(CANDIDATE, PRODUCER).sql()).await;
    execute(&superuser, &ExecutedRun::truthful().sql()).await;
    assert_eq!(
        rung(&operator, CANDIDATE).await,
        stands("structural_candidate", false)
    );
    rows(&operator, &declare(CANDIDATE, PRODUCER).sql()).await;
    assert_eq!(
        rung(&operator, CANDIDATE).await,
        stands("verified_candidate", false)
    );
}

#[apply(on_each_backend)]
async fn inferred_pair_counts_and_can_be_confirmed(backend: Backend) {
    let (_stage, runner, operator, superuser) = ready(backend).await;
    execute(
        &superuser,
        "UPDATE dot.process_candidate_pair SET is_inferred = true, declared_by = 'dotwrap'",
    )
    .await;
    run_for(&runner, CANDIDATE).await;
    assert_eq!(
        rung(&runner, CANDIDATE).await,
        stands("verified_candidate", true)
    );
    for producer in [PRODUCER, OTHER_PRODUCER] {
        let confirm = declare(CANDIDATE, producer).text("p_reason", "looked at");
        assert_eq!(text(&operator, &confirm.sql()).await, "confirmed");
    }
    assert_eq!(
        rung(&runner, CANDIDATE).await,
        stands("verified_candidate", false)
    );
    let told = row(
        &operator,
        "SELECT entry, actor, recorded_by FROM dot.v_dot_registry_history
         WHERE kind = 'candidate_pair' AND key = 'PROC-CAND:dot:backup DOT_COPY' ORDER BY changed_at DESC LIMIT 1",
    )
    .await;
    assert_eq!(told["entry"]["reason"], "looked at");
    assert_eq!(told["entry"]["is_declared"], true);
    assert_eq!(told["entry"]["is_inferred"], false);
    assert_eq!(told["recorded_by"], "dot_operator");
}

#[apply(on_each_backend)]
async fn import_declares_pairs_from_metadata_and_keeps_existing_pairs(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let operator = stage.client("operator").await;
    let pair = |candidate: &str, dot_code: &str, is_registered: bool| json!({"candidate": candidate, "dot_code": dot_code, "is_inferred": false, "is_registered": is_registered});
    assert_eq!(
        pairs(&operator).await,
        [
            pair(CANDIDATE, PRODUCER, false),
            pair(CANDIDATE, OTHER_PRODUCER, false)
        ],
        "declared before its candidate is registered"
    );
    let plan = |tools: &Value| {
        import(tools)
            .with("p_dry_run", "true")
            .sql()
            .replace("SELECT *", "SELECT dot_code, action, detail")
    };
    let action = |dot_code: &str, action: &str, detail: Value| json!({"dot_code": dot_code, "action": action, "detail": detail});
    let kept = rows(&operator, &plan(&tools())).await;
    assert_eq!(kept[0], action(PRODUCER, "keep", Value::Null));
    // Only the pair is missing: the import declares it again, and does not say that the tool changed.
    rows(&operator, &remove(CANDIDATE, PRODUCER).sql()).await;
    let planned = rows(&operator, &plan(&tools())).await;
    assert_eq!(
        planned[0],
        action(PRODUCER, "change", json!("candidate_pair"))
    );
    assert_eq!(planned[2], action(OTHER_PRODUCER, "keep", Value::Null));
    let notes = "SELECT count(*)::text FROM dot.v_dot_registry_history WHERE kind = 'tool'";
    let before = text(&operator, notes).await;
    rows(&operator, &import(&tools()).sql()).await;
    assert_eq!(text(&operator, notes).await, before);
    assert_eq!(pairs(&operator).await.len(), 2);
    let mut other = tools();
    other[0]["extra_metadata"]["process_candidate_code"] = json!(BORROWED);
    // A verifier's metadata declares nothing, and neither does what is no text.
    other[1]["extra_metadata"] = json!({"process_candidate_code": "PROC-CAND:verifiers"});
    other[2]["extra_metadata"]["process_candidate_code"] = json!(7);
    rows(&operator, &import(&other).sql()).await;
    assert_eq!(
        pairs(&operator).await,
        [
            pair(CANDIDATE, PRODUCER, false),
            pair(CANDIDATE, OTHER_PRODUCER, false),
            pair(BORROWED, PRODUCER, false)
        ]
    );
    let mut long = tools();
    long[0]["extra_metadata"]["process_candidate_code"] = json!("x".repeat(201));
    assert_eq!(code(&operator, &import(&long).sql()).await, "tool_invalid");
}

#[apply(on_each_backend)]
async fn declaring_a_pair_refuses_unknown_candidates_and_anything_but_producers(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (operator, superuser) = (stage.client("operator").await, stage.superuser().await);
    register_candidate(&operator, CANDIDATE).await;
    let before = contents(&superuser).await;
    for (call, expected) in [
        (declare("PROC-CAND:typo", PRODUCER), "candidate_unknown"),
        (declare(" ", PRODUCER), "candidate_required"),
        (declare(CANDIDATE, "DOT_NO"), "unknown_dot"),
        (
            declare(CANDIDATE, PRODUCER).with("p_dot_code", "NULL"),
            "unknown_dot",
        ),
        (declare(CANDIDATE, VERIFIER), "not_a_producer"),
        (declare(CANDIDATE, LONE), "pair_incomplete"),
        (
            declare(CANDIDATE, PRODUCER).text("p_actor", " "),
            "actor_required",
        ),
        (
            declare(CANDIDATE, PRODUCER).text("p_reason", &"x".repeat(2001)),
            "text_too_long",
        ),
    ] {
        assert_eq!(code(&operator, &call.sql()).await, expected, "{call:?}");
    }
    contents(&superuser).await.assert_same(&before, "a refusal");
    // Nothing said is no declaration.
    let unsaid = declare(CANDIDATE, PRODUCER).with("p_declared", "NULL");
    assert_eq!(text(&operator, &unsaid.sql()).await, "removed");
    // An inferred pair with an unregistered, misspelled candidate can be removed.
    execute(
        &superuser,
        "INSERT INTO dot.process_candidate_pair (process_candidate_code, dot_code, is_inferred, declared_by)
         VALUES ('PROC-CAND:typo', 'DOT_GONE', true, 'dotwrap')",
    )
    .await;
    let removed = remove("PROC-CAND:typo", "DOT_GONE").sql();
    assert_eq!(text(&operator, &removed).await, "removed");
}

#[apply(on_each_version)]
async fn only_operators_declare_pairs_and_retire(backend: Backend) {
    let stage = TestContext::new(backend).await;
    for role in ["observer", "runner", "relay", "archiver", "reader"] {
        let client = stage.client(role).await;
        let contract = Call::new("fn_dot_contract_retire")
            .text("p_dot_code", PRODUCER)
            .text("p_mode", "REAL_RUN")
            .text("p_actor", "a");
        for call in [
            declare(CANDIDATE, PRODUCER).sql(),
            retire(PRODUCER),
            contract.sql(),
        ] {
            let error = client.simple_query(&call).await.unwrap_err();
            let state = error.code().map(|state| state.code().to_owned());
            assert_eq!(state.as_deref(), Some("42501"), "{role}: {call}");
        }
    }
}

#[apply(on_each_version)]
async fn a_change_of_a_pair_that_meets_an_uncommitted_one_is_refused_as_busy(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (mut slow, operator) = (
        stage.client("operator").await,
        stage.client("operator").await,
    );
    register_candidate(&operator, BORROWED).await;
    let uncommitted = slow.transaction().await.unwrap();
    rows(&uncommitted, &declare(BORROWED, PRODUCER).sql()).await;
    assert_eq!(
        code(&operator, &declare(BORROWED, PRODUCER).sql()).await,
        "busy"
    );
    uncommitted.rollback().await.unwrap();
    let declared = text(&operator, &declare(BORROWED, PRODUCER).sql()).await;
    assert_eq!(declared, "declared");
}

#[apply(on_each_backend)]
async fn retired_tools_are_neither_run_nor_requested_and_their_history_stays(backend: Backend) {
    let (_stage, runner, operator, _superuser) = ready(backend).await;
    run_for(&runner, CANDIDATE).await;
    for tool in [PRODUCER, VERIFIER] {
        assert_eq!(value(&operator, &retire(tool)).await, true);
        assert_eq!(value(&operator, &retire(tool)).await, false, "already");
        for mode in ["DRY_RUN", "REAL_RUN"] {
            let refusal = refused(&runner, &begin(mode).sql()).await;
            assert_eq!(refusal.code, "tool_retired", "{tool} {mode}");
            assert_eq!(refusal.detail["dot_code"], tool);
            assert_eq!(
                code(&runner, &request(mode, CANDIDATE)).await,
                "tool_retired"
            );
        }
        rows(&runner, &Call::pair().sql()).await;
        assert_eq!(
            rung(&runner, CANDIDATE).await["candidate_status_v3"],
            "verified_candidate"
        );
        let next = format!(
            "SELECT next_action FROM dot.v_process_dot_wrapper_status WHERE dot_code = '{tool}'"
        );
        assert_eq!(text(&runner, &next).await, "nothing: it is retired");
        // An import that names another status puts it back into use.
        rows(&operator, &import(&tools()).sql()).await;
        let run = Begun::of(&row(&runner, &begin("REAL_RUN").sql()).await);
        conclude(&runner, &run).await;
    }
    for spelled in ["Retired", " RETIRED "] {
        let mut import_of = tools();
        import_of[0]["status"] = json!(spelled);
        rows(&operator, &import(&import_of).sql()).await;
        assert_eq!(
            code(&runner, &begin("REAL_RUN").sql()).await,
            "tool_retired",
            "{spelled:?}"
        );
    }
}

#[apply(on_each_backend)]
async fn a_retired_contract_is_not_called(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (runner, operator) = (stage.client("runner").await, stage.client("operator").await);
    bind(&operator).await;
    set_posture(&operator, "REAL_RUN").await;
    let retire = |dot_code: &str, mode: &str| {
        Call::new("fn_dot_contract_retire")
            .text("p_dot_code", dot_code)
            .text("p_mode", mode)
            .text("p_actor", "operator")
            .text("p_reason", "replaced")
            .sql()
    };
    for (dot_code, mode, expected) in [
        ("DOT_NO", "REAL_RUN", "unknown_dot"),
        (PRODUCER, "MAYBE", "mode_invalid"),
        (OTHER_PRODUCER, "REAL_RUN", "contract_missing"),
    ] {
        assert_eq!(code(&operator, &retire(dot_code, mode)).await, expected);
    }
    assert_eq!(value(&operator, &retire(PRODUCER, "REAL_RUN")).await, true);
    assert_eq!(value(&operator, &retire(PRODUCER, "REAL_RUN")).await, false);
    assert_eq!(
        code(&runner, &begin("REAL_RUN").sql()).await,
        "contract_missing"
    );
    row(&runner, &begin("DRY_RUN").sql()).await;
    let told = text(
        &operator,
        "SELECT entry ->> 'reason' FROM dot.v_dot_registry_history
         WHERE kind = 'contract' ORDER BY changed_at DESC LIMIT 1",
    )
    .await;
    assert_eq!(told, "replaced");
}
