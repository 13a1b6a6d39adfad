//! Every exit status, by a call that ends with it.

use std::process::Stdio;

use crate::support::{Answer, Desk, Installation};

#[test]
fn a_recorded_run_ends_with_0() {
    Installation::with_catalogue().simulate(&[]).expect(0);
}

#[test]
fn a_run_that_failed_is_recorded_and_ends_with_1() {
    let installation = Installation::with_catalogue();
    let answer = installation
        .simulate(&["--status", "failed", "--error-ref", "log:7"])
        .expect(1);
    assert!(answer.output.contains("recorded"), "{}", answer.output);
    let runs = installation.json(&["runs", "ls"]);
    assert_eq!(runs[0]["status"], "failed");
    assert_eq!(runs[0]["error_ref"], "log:7");
}

#[test]
fn what_is_malformed_or_unknown_ends_with_2() {
    let installation = Installation::with_catalogue();
    for (words, code) in [
        (&["run", "DOT_NOBODY_KNOWS"][..], "unknown_dot"),
        (
            &["run", "DOT_NOBODY_KNOWS", "--candidate", "C"],
            "unknown_dot",
        ),
        (
            &["run", "DOT_SHA256SUM_CHECK", "--mode", "simulate"],
            "not_a_producer",
        ),
        (
            &["run", "DOT_SHA256SUM", "--mode", "simulate", "--actor", " "],
            "actor_required",
        ),
        (
            &[
                "run",
                "DOT_SHA256SUM",
                "--mode",
                "simulate",
                "--correlation",
                "",
            ],
            "correlation_required",
        ),
        (
            &[
                "run",
                "DOT_SHA256SUM",
                "--mode",
                "simulate",
                "--lease-ttl",
                "0",
            ],
            "ttl_invalid",
        ),
        (
            &[
                "run",
                "DOT_SHA256SUM",
                "--mode",
                "simulate",
                "--evidence",
                "[]",
            ],
            "usage",
        ),
        (
            &[
                "run",
                "DOT_SHA256SUM",
                "--mode",
                "simulate",
                "--status",
                "blocked",
            ],
            "usage",
        ),
        (
            &["observe", "run", "--candidate", "\u{a0}"],
            "candidate_required",
        ),
        (
            &["gates", "open", "moon", "--for", "1m", "--reason", "r"],
            "gate_unknown",
        ),
        (&["gates", "history", "moon"], "gate_unknown"),
        (
            &[
                "gates",
                "open",
                "execute_enabled",
                "--for",
                "1m",
                "--reason",
                "",
            ],
            "reason_required",
        ),
        (&["runs", "show", "nothing"], "run_unknown"),
        (
            &["events", "activate", "process.moon", "--reason", "r"],
            "event_type_unknown",
        ),
    ] {
        let answer = installation
            .call(&[words, &["--output", "json"]].concat())
            .expect(2);
        assert_eq!(answer.failure()["code"], code, "{words:?}");
        assert_eq!(answer.output, "", "{words:?}");
    }
}

#[test]
fn what_would_have_to_be_executed_ends_with_3_and_says_why() {
    let installation = Installation::with_catalogue();
    for (words, code) in [
        (
            &["run", "DOT_SHA256SUM", "--mode", "real-run"][..],
            "real_run_disabled",
        ),
        (&["run", "DOT_SHA256SUM", "--mode", "dry-run"], "no_execute"),
        (
            &[
                "observe",
                "run",
                "--candidate",
                "C",
                "--evidence-type",
                "REAL_RUN",
            ],
            "real_run_disabled",
        ),
        (
            &[
                "observe",
                "run",
                "--candidate",
                "C",
                "--evidence-type",
                "BACKFILLED_EVIDENCE",
            ],
            "backfill_only",
        ),
    ] {
        let failure = installation.failure(words, 3);
        assert_eq!(failure["code"], code, "{words:?}");
        assert!(
            failure["hint"]
                .as_str()
                .is_some_and(|hint| !hint.is_empty()),
            "{words:?}"
        );
    }
    let failure = installation
        .call(&[
            "run",
            "DOT_SHA256SUM",
            "--mode",
            "real-run",
            "--output",
            "json",
        ])
        .failure();
    assert!(
        failure["hint"]
            .as_str()
            .unwrap()
            .contains("dotwrap gates open real_run_enabled"),
        "{failure}"
    );
    assert_eq!(installation.json(&["runs", "ls"]), serde_json::json!([]));
}

#[test]
fn a_blocking_check_ends_with_3() {
    let installation = Installation::with_catalogue();
    installation.sql(
        "CREATE FUNCTION public.always_one() RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint';
         SELECT dot.fn_dot_preflight_check_set('always_one', 'public.always_one', 'tester')",
    );
    let checks = installation.call(&["preflight"]).expect(3);
    assert!(checks.output.contains("BLOCK"), "{}", checks.output);
    let failure = installation
        .simulate(&["--output", "json"])
        .expect(3)
        .failure();
    assert_eq!(failure["code"], "preflight_blocked");
}

#[test]
fn a_held_lease_ends_with_4() {
    let installation = Installation::with_catalogue();
    installation.sql(
        "SELECT dot.fn_dot_iu_runtime_lease_acquire('dot_exec:DOT_SHA256SUM', 'somebody', 60)",
    );
    let failure = installation
        .simulate(&["--output", "json"])
        .expect(4)
        .failure();
    assert_eq!(failure["code"], "lease_held");
}

#[test]
fn a_key_that_was_used_for_something_else_ends_with_5() {
    let installation = Installation::with_catalogue();
    installation.simulate(&["--key", "k"]).expect(0);
    let failure = installation.failure(&["run", "DOT_GZIP", "--mode", "simulate", "--key", "k"], 5);
    assert_eq!(failure["code"], "idempotency_conflict");
    let id = "01234567-0000-7000-8000-000000000001";
    installation.simulate(&["--run-id", id]).expect(0);
    let failure = installation
        .simulate(&["--run-id", id, "--output", "json"])
        .expect(5)
        .failure();
    assert_eq!(failure["code"], "id_in_use");
}

#[test]
fn a_database_that_is_not_there_ends_with_69_and_its_password_is_not_shown() {
    let desk = Desk::new();
    let url = "postgresql://me:hunter2@/ledger?host=/nowhere";
    let answer = Answer::of(desk.command(&["status"]).env("DATABASE_URL", url)).expect(69);
    assert!(!answer.messages.contains("hunter2"), "{}", answer.messages);
    assert!(
        answer.messages.contains("/nowhere") || answer.messages.contains("%2Fnowhere"),
        "{}",
        answer.messages
    );
}

#[test]
fn a_server_that_ends_the_connection_ends_with_69_whoever_was_asking() {
    let installation = Installation::empty();
    let prefix = installation.database.role_prefix();
    installation
        .call(&["install", "--role-prefix", prefix])
        .expect(0);
    for words in [
        &["runs", "ls"][..],
        &["verify"],
        &["install", "--role-prefix", prefix, "--repair"],
    ] {
        let lock = installation.lock("process_run_observation");
        let child = installation
            .command(&[words, &["--output", "json"]].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let session = installation.waiting_session();
        installation.sql_as_superuser(&format!("SELECT pg_terminate_backend({session})"));
        let answer = Answer::from(child.wait_with_output().unwrap()).expect(69);
        assert_eq!(answer.failure()["code"], "unreachable", "{words:?}");
        drop(lock);
    }
}

#[test]
fn a_configured_database_without_the_contract_ends_with_70_and_names_the_remedy() {
    let failure = Installation::empty().failure(&["status"], 70);
    assert_eq!(failure["code"], "not_installed");
    assert!(
        failure["message"]
            .as_str()
            .unwrap()
            .contains("dotwrap install"),
        "{failure}"
    );
}

#[test]
fn a_login_that_may_not_ends_with_77() {
    let installation = Installation::with_catalogue();
    installation.call_as("dot_reader", &["status"]).expect(0);
    let answer = installation
        .call_as(
            "dot_reader",
            &[
                "run",
                "DOT_SHA256SUM",
                "--mode",
                "simulate",
                "--output",
                "json",
            ],
        )
        .expect(77);
    assert_eq!(answer.failure()["code"], "not_permitted");
    installation
        .call_as(
            "dot_observer",
            &["run", "DOT_SHA256SUM", "--mode", "simulate"],
        )
        .expect(0);
    let gates = [
        "gates",
        "open",
        "execute_enabled",
        "--for",
        "1m",
        "--reason",
        "r",
    ];
    installation.call_as("dot_observer", &gates).expect(77);
}
