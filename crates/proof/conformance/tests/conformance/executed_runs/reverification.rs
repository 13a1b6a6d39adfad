//! Runs that verify an earlier output again, and what became of outputs.

use rstest_reuse::apply;
use serde_json::Value;
use tokio_postgres::Client;

use crate::common::backend::on_each_version;
use crate::common::fixtures::{VERIFIER, set_posture};
use crate::common::run_calls::{Begun, DIGEST, OTHER_DIGEST, begun, ready};
use crate::common::{Backend, Call, ask, code, contents, row, rows, text};

/// A real run whose producer committed an output, and that was concluded.
async fn concluded(runner: &Client) -> String {
    let run = begun(runner, "REAL_RUN").await;
    let producer = run
        .producer("REAL_RUN")
        .text("p_output_digest", DIGEST)
        .text("p_output_ref", "file:///out");
    rows(runner, &producer.sql()).await;
    rows(runner, &run.conclusion("completed").sql()).await;
    run.run
}

fn again(run: &str) -> Call {
    Call::new("fn_process_run_reverify_begin")
        .text("p_reverifies", run)
        .text("p_correlation_id", "again")
        .text("p_actor", "tester")
        .text("p_runner", "runner 1")
}

fn event(run: &str, kind: &str) -> Call {
    Call::new("fn_process_output_event_record")
        .text("p_process_run_id", run)
        .text("p_kind", kind)
        .text("p_actor", "tester")
}

fn begun_again(row: &Value) -> Begun {
    let field = |name: &str| row[name].as_str().unwrap().to_owned();
    Begun {
        run: field("process_run_id"),
        token: field("lease_token"),
        receipt: field("verifier_invocation_id"),
    }
}

#[apply(on_each_version)]
async fn reverification_calls_by_the_contract_of_now_and_names_its_process(backend: Backend) {
    let (_stage, runner, _operator, superuser) = ready(backend).await;
    let earlier = concluded(&runner).await;
    let other = again(&earlier).text("p_contract_sha256", &"0".repeat(64));
    assert_eq!(code(&runner, &other.sql()).await, "contract_changed");
    let current = format!(
        "SELECT contract_sha256 FROM dot.dot_agent_api_contract WHERE dot_code = '{VERIFIER}' AND mode = 'DRY_RUN'"
    );
    let current = text(&superuser, &current).await;
    let call = again(&earlier)
        .text("p_contract_sha256", &current)
        .text("p_holder_process", "here:1");
    let run = begun_again(&row(&runner, &call.sql()).await).run;
    let recorded = format!(
        "SELECT i.contract_sha256, l.holder_process FROM dot.dot_invocation i
         JOIN dot.dot_iu_runtime_lease l USING (process_run_id) WHERE process_run_id = '{run}'"
    );
    let recorded = row(&superuser, &recorded).await;
    assert_eq!(recorded["contract_sha256"], current);
    assert_eq!(recorded["holder_process"], "here:1");
}

#[apply(on_each_version)]
async fn reverification_has_the_committed_digest_and_one_component(backend: Backend) {
    let (_stage, runner, _operator, superuser) = ready(backend).await;
    let earlier = concluded(&runner).await;
    let begun = row(&runner, &again(&earlier).sql()).await;
    assert_eq!(begun["verifier_dot_code"], VERIFIER);
    assert_eq!(begun["contract_mode"], "DRY_RUN");
    let run = begun_again(&begun);
    let digest = format!(
        "SELECT input_digest, mode FROM dot.dot_invocation WHERE process_run_id = '{}'",
        run.run
    );
    let receipt = row(&superuser, &digest).await;
    assert_eq!(
        (&receipt["input_digest"], &receipt["mode"]),
        (&DIGEST.into(), &"DRY_RUN".into())
    );
    // Neither another receipt nor a producer's component.
    assert_eq!(
        code(&runner, &run.invocation().sql()).await,
        "invocation_mismatch"
    );
    let producer = Call::new("fn_process_component_observe")
        .text("p_process_run_id", &run.run)
        .text("p_dot_code", crate::common::fixtures::PRODUCER)
        .text("p_component_role", "producer")
        .text("p_correlation_id", "again")
        .text("p_actor", "tester")
        .text("p_lease_token", &run.token);
    assert_eq!(code(&runner, &producer.sql()).await, "role_invalid");
    let verifier = run
        .verifier("DRY_RUN", &run.receipt, "pass")
        .text("p_correlation_id", "again");
    rows(&runner, &verifier.sql()).await;
    rows(&runner, &run.conclusion("completed").sql()).await;
    let view = format!(
        "SELECT verdict, evidence_type, reverifies FROM dot.v_process_run WHERE process_run_id = '{}'",
        run.run
    );
    let seen = row(&superuser, &view).await;
    assert_eq!(
        (&seen["verdict"], &seen["evidence_type"]),
        (&"pass".into(), &"DRY_RUN".into())
    );
    assert_eq!(seen["reverifies"], earlier.as_str());
    let rung = "SELECT candidate_status_v3 FROM dot.v_process_discovery_candidate_status_v3";
    assert_eq!(
        row(&superuser, rung).await["candidate_status_v3"],
        "real_run_observed"
    );
}

#[apply(on_each_version)]
async fn reverification_is_refused_without_its_preconditions(backend: Backend) {
    let (stage, runner, operator, superuser) = ready(backend).await;
    let earlier = concluded(&runner).await;
    let open = begun(&runner, "REAL_RUN").await;
    assert_eq!(code(&runner, &again(&open.run).sql()).await, "no_output");
    assert_eq!(code(&runner, &again(&earlier).sql()).await, "lease_held");
    rows(&runner, &open.conclusion("cancelled").sql()).await;
    assert_eq!(code(&runner, &again(&open.run).sql()).await, "no_output");
    let before = contents(&superuser).await;
    let nowhere = "00000000-0000-7000-8000-000000000000";
    for (call, expected) in [
        (again(nowhere), "run_unknown"),
        (again(&earlier).text("p_actor", " "), "actor_required"),
        (again(&earlier).text("p_runner", ""), "holder_required"),
        (
            again(&earlier).text("p_process_run_id", &earlier),
            "id_in_use",
        ),
    ] {
        assert_eq!(code(&runner, &call.sql()).await, expected, "{}", call.sql());
    }
    contents(&superuser)
        .await
        .assert_same(&before, "a refused reverification");
    set_posture(&operator, "NO_EXECUTE").await;
    assert_eq!(code(&runner, &again(&earlier).sql()).await, "no_execute");
    for role in ["reader", "observer", "operator"] {
        let client = stage.client(role).await;
        let error = ask(&client, &again(&earlier).sql()).await.unwrap_err();
        assert_eq!(error.code().unwrap().code(), "42501", "{role}");
    }
}

#[apply(on_each_version)]
async fn output_events_say_where_an_output_is(backend: Backend) {
    let (stage, runner, operator, superuser) = ready(backend).await;
    let earlier = concluded(&runner).await;
    for (call, expected) in [
        (
            event("00000000-0000-7000-8000-000000000000", "pruned"),
            "no_output",
        ),
        (event(&earlier, "burnt"), "output_event_invalid"),
        (event(&earlier, "moved"), "output_event_invalid"),
        (
            event(&earlier, "pruned").text("p_moved_to", "file:///b"),
            "output_event_invalid",
        ),
        (event(&earlier, "changed"), "output_event_invalid"),
        (
            event(&earlier, "changed").text("p_found_digest", DIGEST),
            "output_event_invalid",
        ),
        (
            event(&earlier, "missing").text("p_found_by", &earlier),
            "output_event_invalid",
        ),
        (
            event(&earlier, "pruned").text("p_actor", ""),
            "actor_required",
        ),
    ] {
        assert_eq!(code(&runner, &call.sql()).await, expected, "{}", call.sql());
    }
    let moved = event(&earlier, "moved").text("p_moved_to", "file:///b");
    rows(&operator, &moved.sql()).await;
    rows(
        &runner,
        &event(&earlier, "changed")
            .text("p_found_digest", OTHER_DIGEST)
            .sql(),
    )
    .await;
    let view = format!(
        "SELECT output_state, output_moved_to FROM dot.v_process_run WHERE process_run_id = '{earlier}'"
    );
    let seen = row(&superuser, &view).await;
    assert_eq!(
        (&seen["output_state"], &seen["output_moved_to"]),
        (&"changed".into(), &"file:///b".into())
    );
    let places = rows(
        &superuser,
        "SELECT output_ref FROM dot.v_process_output_event ORDER BY recorded_at",
    )
    .await;
    assert_eq!(
        (&places[0]["output_ref"], &places[1]["output_ref"]),
        (&"file:///out".into(), &"file:///b".into())
    );
    let login = "SELECT session_user::text = (SELECT e.recorded_by FROM dot.v_process_output_event e WHERE e.kind = 'moved') AS own";
    assert_eq!(row(&operator, login).await["own"], true);
    let reader = stage.client("reader").await;
    let error = ask(&reader, &event(&earlier, "pruned").sql())
        .await
        .unwrap_err();
    assert_eq!(error.code().unwrap().code(), "42501");
}
