//! A window says what may begin. An operator who closes a gate says what becomes of the runs that are under way.

use rstest_reuse::apply;
use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::common::backend::on_each_version;
use crate::common::fixtures::{GATES, set_posture};
use crate::common::run_calls::{Begun, begin, begun, ready, run_out};
use crate::common::{
    Backend, Call, Refusal, ask, code, execute, number, refused, row, rows, text, value,
};

const REAL: &str = "process_dot_runtime.real_run_enabled";
const BRAKE: &str = "process_dot_runtime.dry_run_only";

pub(crate) async fn may_continue(client: &Client, run: &Begun) -> Value {
    value(client, &question("fn_process_run_may_continue", run)).await
}

async fn cause(client: &Client, run: &Begun) -> Value {
    let cause = question("fn_process_run_stop_cause", run);
    value(client, &format!("SELECT ({cause}) - 'at'")).await
}

fn question(function: &'static str, run: &Begun) -> String {
    Call::new(function)
        .text("p_process_run_id", &run.run)
        .text("p_lease_token", &run.token)
        .sql()
}

/// Begun, and the producer did its work.
pub(crate) async fn produced(runner: &Client, mode: &str) -> Begun {
    let run = begun(runner, mode).await;
    rows(runner, &run.producer(mode).sql()).await;
    run
}

async fn verified(runner: &Client, run: &Begun) {
    let receipt = text(
        runner,
        &format!("SELECT ({})::text", run.invocation().sql()),
    )
    .await;
    rows(runner, &run.verifier("REAL_RUN", &receipt, "pass").sql()).await;
    rows(runner, &run.conclusion("completed").sql()).await;
}

/// No run of another pair begins.
async fn nothing_begins(runner: &Client) {
    let refused = code(
        runner,
        &begin("REAL_RUN").text("p_dot_code", "DOT_COPY").sql(),
    )
    .await;
    assert!(
        ["real_run_disabled", "no_execute"].contains(&&*refused),
        "{refused}"
    );
}

/// An opening that ends by itself within a second, and the call that waits for its end.
fn window(key: &str) -> (Call, String) {
    let opening =
        Call::gate(key, "true").with("p_expires_at", "clock_timestamp() + interval '1 second'");
    let wait = format!(
        "SELECT pg_sleep(extract(epoch FROM (SELECT expires_at FROM dot.v_dot_gate WHERE key = '{key}') - clock_timestamp())::float8)"
    );
    (opening, wait)
}

fn closing(key: &str, option: &str) -> String {
    let value = if key == BRAKE { "true" } else { "false" };
    let call = Call::gate(key, value);
    match option {
        "" => call.sql(),
        "let_finish" => call.with("p_let_finish", "true").sql(),
        _ => call.with("p_stop_now", "true").sql(),
    }
}

#[apply(on_each_version)]
async fn run_that_began_in_a_window_is_verified_after_its_end(backend: Backend) {
    let (_stage, runner, operator, superuser) = ready(backend).await;
    let (opening, end) = window(GATES[0]);
    rows(&operator, &opening.sql()).await;
    let run = produced(&runner, "REAL_RUN").await;
    execute(&operator, &end).await;
    nothing_begins(&runner).await;
    assert_eq!(may_continue(&runner, &run).await, true);
    verified(&runner, &run).await;
    // The receipt says what the gates said then.
    let postures = "SELECT array_to_string(array_agg(posture ORDER BY component_role), ' ') FROM dot.v_dot_invocation";
    assert_eq!(text(&superuser, postures).await, "REAL_RUN NO_EXECUTE");
    let rung = "SELECT candidate_status_v3 FROM dot.v_process_discovery_candidate_status_v3 \
        WHERE process_candidate_code = 'PROC-CAND:dot:backup'";
    assert_eq!(value(&superuser, rung).await, "verified_candidate");
}

#[apply(on_each_version)]
async fn end_of_a_window_stops_runs_where_it_was_opened_so(backend: Backend) {
    let (_stage, runner, operator, _superuser) = ready(backend).await;
    let (opening, end) = window(REAL);
    rows(
        &operator,
        &opening.clone().with("p_stop_at_end", "true").sql(),
    )
    .await;
    let run = produced(&runner, "REAL_RUN").await;
    assert_eq!(may_continue(&runner, &run).await, true);
    execute(&operator, &end).await;
    let why = json!({"cause": "window_ended", "gate": REAL, "by": "operator", "reason": "a test", "now": false});
    assert_eq!(cause(&runner, &run).await, why);
    let refusal = refused(&runner, &run.invocation().sql()).await;
    assert_eq!(
        (&*refusal.code, &refusal.detail["cause"]),
        ("run_stopped", &json!("window_ended"))
    );
    // An opening that comes too late prolongs nothing.
    rows(&operator, &Call::gate(REAL, "true").sql()).await;
    assert_eq!(cause(&runner, &run).await, why);
    assert_eq!(code(&runner, &run.invocation().sql()).await, "run_stopped");
}

/// What a gate says last decides about its end.
#[apply(on_each_version)]
async fn window_that_is_changed_in_time_ends_as_the_change_says(backend: Backend) {
    let (_stage, runner, operator, _superuser) = ready(backend).await;
    let (opening, end) = window(REAL);
    let stopping = opening.clone().with("p_stop_at_end", "true").sql();
    let lasting = Call::gate(REAL, "true").sql();
    rows(&operator, &stopping).await;
    let run = produced(&runner, "REAL_RUN").await;
    // Prolonged without the option: its end stops nothing.
    rows(&operator, &opening.sql()).await;
    execute(&operator, &end).await;
    assert_eq!(may_continue(&runner, &run).await, true);
    rows(&operator, &lasting).await;
    assert_eq!(may_continue(&runner, &run).await, true);
    // A closing that lets runs finish is such a change too.
    rows(&operator, &stopping).await;
    rows(&operator, &closing(REAL, "let_finish")).await;
    execute(&operator, "SELECT pg_sleep(1)").await;
    assert_eq!(may_continue(&runner, &run).await, true);
    // With the option, it does, although the run began under another window.
    rows(&operator, &stopping).await;
    assert_eq!(may_continue(&runner, &run).await, true);
    execute(&operator, &end).await;
    assert_eq!(cause(&runner, &run).await["cause"], "window_ended");
}

#[apply(on_each_version)]
async fn closed_gate_stops_a_run_for_good(backend: Backend) {
    let (_stage, runner, operator, _superuser) = ready(backend).await;
    for key in GATES {
        let run = produced(&runner, "REAL_RUN").await;
        rows(&operator, &closing(key, "")).await;
        let why = json!({"cause": "gate_closed", "gate": key, "by": "operator", "reason": "a test", "now": false});
        assert_eq!(cause(&runner, &run).await, why);
        assert_eq!(code(&runner, &run.invocation().sql()).await, "run_stopped");
        set_posture(&operator, "REAL_RUN").await;
        // Not by letting runs finish afterwards, nor by opening it again.
        rows(&operator, &closing(key, "let_finish")).await;
        set_posture(&operator, "REAL_RUN").await;
        assert_eq!(may_continue(&runner, &run).await, false, "{key}");
        assert_eq!(code(&runner, &run.invocation().sql()).await, "run_stopped");
        rows(&runner, &run.conclusion("cancelled").sql()).await;
    }
}

#[apply(on_each_version)]
async fn closing_that_lets_runs_finish_keeps_only_new_ones_out(backend: Backend) {
    let (_stage, runner, operator, _superuser) = ready(backend).await;
    for key in GATES {
        let run = produced(&runner, "REAL_RUN").await;
        rows(&operator, &closing(key, "let_finish")).await;
        nothing_begins(&runner).await;
        assert_eq!(may_continue(&runner, &run).await, true, "{key}");
        verified(&runner, &run).await;
        set_posture(&operator, "REAL_RUN").await;
    }
    // Closed once more without it: the run stops, at once where that is said.
    let run = produced(&runner, "REAL_RUN").await;
    rows(&operator, &closing(REAL, "let_finish")).await;
    rows(&operator, &closing(REAL, "")).await;
    assert_eq!(cause(&runner, &run).await["now"], false);
    rows(&operator, &closing(REAL, "now")).await;
    let why = json!({"cause": "gate_closed", "gate": REAL, "by": "operator", "reason": "a test", "now": true});
    assert_eq!(cause(&runner, &run).await, why);
}

/// A dry run depends on two gates only.
#[apply(on_each_version)]
async fn dry_run_goes_on_where_real_runs_are_stopped(backend: Backend) {
    let (_stage, runner, operator, _superuser) = ready(backend).await;
    let run = produced(&runner, "DRY_RUN").await;
    for key in [BRAKE, REAL] {
        rows(&operator, &closing(key, "now")).await;
        assert_eq!(may_continue(&runner, &run).await, true, "{key}");
    }
    text(
        &runner,
        &format!("SELECT ({})::text", run.invocation().sql()),
    )
    .await;
    rows(&operator, &closing(GATES[1], "")).await;
    assert_eq!(may_continue(&runner, &run).await, false);
}

/// To a closing that did not see it begin, a run is a new one.
#[apply(on_each_version)]
async fn closing_that_lets_runs_finish_voids_the_beginning_that_it_missed(backend: Backend) {
    let (stage, runner, operator, superuser) = ready(backend).await;
    let mut idler = stage.client("runner").await;
    let idle = idler.transaction().await.unwrap();
    let missed = begun(&idle, "REAL_RUN").await;
    rows(&operator, &closing(REAL, "let_finish")).await;
    idle.commit().await.unwrap();
    assert_eq!(cause(&runner, &missed).await["cause"], "gate_closed");
    assert_eq!(
        code(&runner, &missed.producer("REAL_RUN").sql()).await,
        "invocation_mismatch"
    );
    assert_eq!(
        number(&superuser, "SELECT count(*) FROM dot.v_dot_void_receipt").await,
        1
    );
}

/// The closing saw that verifier's run begin: it may finish. An ordinary closing makes the receipt void.
#[apply(on_each_version)]
async fn verifiers_receipt_is_void_only_where_a_closing_stops_runs(backend: Backend) {
    let (stage, runner, operator, superuser) = ready(backend).await;
    let mut idler = stage.client("runner").await;
    for (option, void) in [("let_finish", 0), ("", 1)] {
        let run = produced(&runner, "REAL_RUN").await;
        let idle = idler.transaction().await.unwrap();
        let receipt = text(&idle, &format!("SELECT ({})::text", run.invocation().sql())).await;
        rows(&operator, &closing(REAL, option)).await;
        idle.commit().await.unwrap();
        assert_eq!(
            number(&superuser, "SELECT count(*) FROM dot.v_dot_void_receipt").await,
            void
        );
        let verdict = ask(&runner, &run.verifier("REAL_RUN", &receipt, "pass").sql()).await;
        assert_eq!(verdict.is_ok(), void == 0, "{verdict:?}");
        rows(&runner, &run.conclusion("cancelled").sql()).await;
        set_posture(&operator, "REAL_RUN").await;
    }
}

async fn become_another_runner(superuser: &Client) {
    let make = "CREATE ROLE another_runner_of_windows LOGIN; GRANT dot_runner TO another_runner_of_windows; \
        SET SESSION AUTHORIZATION another_runner_of_windows";
    execute(superuser, make).await;
}

/// The answer to everybody but the login that holds the lease, and operators.
#[apply(on_each_version)]
async fn only_the_holder_and_operators_learn_that_a_run_may_go_on(backend: Backend) {
    let (stage, runner, operator, superuser) = ready(backend).await;
    let mut run = begun(&runner, "REAL_RUN").await;
    assert_eq!(may_continue(&operator, &run).await, true);
    let lost = json!({"cause": "lease_lost", "now": true});
    // Another runner, with the token; and a login without the role.
    let another = stage.superuser().await;
    become_another_runner(&another).await;
    assert_eq!(cause(&another, &run).await, lost);
    execute(
        &another,
        "RESET SESSION AUTHORIZATION; DROP ROLE another_runner_of_windows",
    )
    .await;
    let observer = stage.client("observer").await;
    let denied = ask(&observer, &question("fn_process_run_may_continue", &run))
        .await
        .unwrap_err();
    assert_eq!(denied.code().unwrap().code(), "42501");
    let token = std::mem::replace(
        &mut run.token,
        "00000000-0000-4000-8000-000000000000".to_owned(),
    );
    assert_eq!(cause(&runner, &run).await, lost);
    let unknown = Begun {
        run: run.token.clone(),
        token: token.clone(),
        receipt: String::new(),
    };
    assert_eq!(cause(&runner, &unknown).await, lost);
    run.token = token;
    run_out(&superuser).await;
    assert_eq!(cause(&runner, &run).await, lost);
    assert_eq!(may_continue(&runner, &run).await, false);
}

/// An old snapshot would show a run that may still go on.
#[apply(on_each_version)]
async fn old_snapshot_gives_no_permission(backend: Backend) {
    let (stage, runner, operator, _superuser) = ready(backend).await;
    let mut old = stage.client("runner").await;
    for isolation in [
        "REPEATABLE READ",
        "REPEATABLE READ READ ONLY",
        "SERIALIZABLE",
    ] {
        let run = produced(&runner, "REAL_RUN").await;
        let transaction = old.transaction().await.unwrap();
        execute(
            &transaction,
            &format!("SET TRANSACTION ISOLATION LEVEL {isolation}"),
        )
        .await;
        rows(&transaction, "SELECT count(*) FROM dot.v_dot_gate").await;
        rows(&operator, &closing(REAL, "")).await;
        let asked = ask(&transaction, &question("fn_process_run_may_continue", &run)).await;
        assert_eq!(
            Refusal::of(&asked.unwrap_err()).code,
            "snapshot_too_old",
            "{isolation}"
        );
        transaction.rollback().await.unwrap();
        rows(&runner, &run.conclusion("cancelled").sql()).await;
        set_posture(&operator, "REAL_RUN").await;
    }
}

#[apply(on_each_version)]
async fn options_that_do_not_fit_the_change_are_refused(backend: Backend) {
    let (_stage, _runner, operator, superuser) = ready(backend).await;
    let later = "clock_timestamp() + interval '1 hour'";
    let open = |key: &str| Call::gate(key, if key == BRAKE { "false" } else { "true" });
    let shut = |key: &str| Call::gate(key, if key == BRAKE { "true" } else { "false" });
    for key in [BRAKE, REAL] {
        for call in [
            open(key).with("p_stop_at_end", "true"),
            shut(key)
                .with("p_stop_at_end", "true")
                .with("p_expires_at", later),
            open(key).with("p_let_finish", "true"),
            open(key).with("p_stop_now", "true"),
            shut(key)
                .with("p_let_finish", "true")
                .with("p_stop_now", "true"),
        ] {
            assert_eq!(
                code(&operator, &call.sql()).await,
                "gate_option_invalid",
                "{}",
                call.sql()
            );
        }
        // They are facts of the change, in the gate and in its history.
        let window = open(key)
            .with("p_stop_at_end", "true")
            .with("p_expires_at", later);
        for (call, options) in [
            (window, (true, false, false)),
            (shut(key).with("p_let_finish", "true"), (false, true, false)),
            (shut(key).with("p_stop_now", "true"), (false, false, true)),
            (open(key).with("p_stop_now", "NULL"), (false, false, false)),
        ] {
            rows(&operator, &call.sql()).await;
            let (stop_at_end, let_finish, stop_now) = options;
            let expected =
                json!({"stop_at_end": stop_at_end, "let_finish": let_finish, "stop_now": stop_now});
            let columns = "stop_at_end, let_finish, stop_now";
            let gate = format!("SELECT {columns} FROM dot.v_dot_gate WHERE key = '{key}'");
            assert_eq!(row(&superuser, &gate).await, expected);
            let newest = format!(
                "SELECT {columns} FROM dot.v_dot_gate_history ORDER BY change_number DESC LIMIT 1"
            );
            assert_eq!(row(&superuser, &newest).await, expected);
        }
    }
    // Nor by hand: an option of an earlier change does not stay beside another value.
    rows(&operator, &shut(REAL).with("p_let_finish", "true").sql()).await;
    let by_hand = "UPDATE dot.dot_config SET value = 'true' WHERE key = 'process_dot_runtime.real_run_enabled'";
    let refused = superuser.batch_execute(by_hand).await.unwrap_err();
    assert_eq!(
        refused.as_db_error().unwrap().constraint(),
        Some("dot_config_options_fit_the_value")
    );
}
