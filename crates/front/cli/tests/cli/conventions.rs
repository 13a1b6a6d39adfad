//! How the program speaks with people: short ids, widths, one line when quiet, a mode that is said.

use serde_json::Value;

use crate::support::{Answer, Installation};

const RUN: [&str; 4] = ["run", "DOT_SHA256SUM", "--mode", "simulate"];

fn recorded(installation: &Installation, more: &[&str]) -> Value {
    let words = [more, &["--output", "json"]].concat();
    installation.simulate(&words).json()
}

fn one_line(answer: &Answer, expected: &str) {
    let lines: Vec<&str> = answer.messages.lines().collect();
    assert!(
        lines.len() == 1 && lines[0].contains(expected),
        "{lines:?} instead of one line with {expected}"
    );
}

#[test]
fn the_list_of_runs_shows_the_verdict_and_fits_80_columns() {
    let installation = Installation::with_catalogue();
    recorded(&installation, &[]);
    recorded(&installation, &["--status", "failed"]);
    let list = installation.call(&["runs", "ls"]).expect(0).output;
    assert!(list.lines().next().unwrap().contains("VERDICT"), "{list}");
    for line in list.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    // What stands there is taken where an id is asked.
    for line in list.lines().skip(1) {
        let id = line.split_whitespace().next().unwrap();
        installation.call(&["runs", "show", id]).expect(0);
    }
}

#[test]
fn times_in_tables_carry_their_offset() {
    let installation = Installation::with_catalogue();
    recorded(&installation, &[]);
    let listed = |words: &[&str]| {
        let mut command = installation.command(words);
        let answer = Answer::of(command.env("TZ", "Asia/Kolkata"));
        answer.expect(0).output
    };
    for words in [&["runs", "ls"][..], &["lease", "ls"], &["candidates", "ls"]] {
        let list = listed(words);
        assert!(list.contains("+05:30"), "{list}");
    }
}

#[test]
fn an_unambiguous_beginning_of_an_id_is_taken_and_an_ambiguous_one_names_the_candidates() {
    let installation = Installation::with_catalogue();
    let ids = [
        "01234567-0000-7000-8000-000000000001",
        "01234567-0000-7000-8000-000000000002",
        "01239999-0000-7000-8000-000000000003",
    ];
    for id in ids {
        recorded(&installation, &["--run-id", id]);
    }
    let json = ["--output", "json"];
    let show = |name: &str| installation.call(&[&["runs", "show", name], &json[..]].concat());
    for name in ["01239", "01239999-0000-", "0123999900007", ids[0]] {
        let shown = show(name).expect(0).json();
        let id = shown["run"]["process_run_id"].as_str().unwrap();
        assert!(ids.contains(&id), "{name}: {id}");
    }
    let refused = show("01234567").expect(2).failure();
    assert_eq!(refused["code"], "run_unknown");
    let candidates: Vec<&str> = refused["detail"]["candidates"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert_eq!(candidates, ids[..2]);
    assert!(
        refused["message"].as_str().unwrap().contains(ids[1]),
        "{refused}"
    );
    assert_eq!(show("99").expect(2).failure()["code"], "run_unknown");
}

#[test]
fn a_request_is_named_by_the_beginning_of_its_id() {
    let installation = Installation::with_catalogue();
    let add = [
        "requests",
        "add",
        "DOT_SHA256SUM",
        "--mode",
        "dry-run",
        "--output",
        "json",
    ];
    let id = |answer: Answer| {
        answer.expect(0).json()["request_id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let first = id(installation.call(&add));
    let shown = installation.call(&["requests", "show", &first[..20], "--output", "json"]);
    assert_eq!(id(shown), first);
    id(installation.call(&add));
    // Both ids begin with the same days.
    let refused = installation
        .call(&["requests", "show", &first[..3], "--output", "json"])
        .expect(2)
        .failure();
    assert_eq!(
        refused["detail"]["candidates"].as_array().unwrap().len(),
        2,
        "{refused}"
    );
    let cancel = ["requests", "cancel", &first, "--reason", "r"];
    installation.call(&cancel).expect(0);
}

#[test]
fn a_pair_that_can_be_executed_wants_its_mode() {
    let installation = Installation::with_catalogue();
    let words = ["run", "DOT_SHA256SUM", "--output", "json"];
    let refused = installation.call(&words).expect(2).failure();
    assert_eq!(refused["code"], "mode_required");
    let as_observer = installation.call_as("dot_observer", &words).expect(2);
    assert_eq!(as_observer.failure()["code"], "mode_required");
    let hint = refused["hint"].as_str().unwrap();
    for mode in ["--mode dry-run", "--mode real-run", "--mode simulate"] {
        assert!(hint.contains(mode), "{hint}");
    }
    let runs = installation
        .call(&["runs", "ls", "--output", "json"])
        .expect(0);
    assert_eq!(runs.json(), Value::Array(Vec::new()));
    // What nothing can be called for is only recorded, and needs no word.
    for mode in ["DRY_RUN", "REAL_RUN"] {
        installation
            .call(&["contract", "retire", "DOT_SHA256SUM", mode])
            .expect(0);
    }
    installation.call(&words).expect(0);
}

#[test]
fn a_quiet_failure_leaves_one_line() {
    let installation = Installation::with_catalogue();
    let quiet = |words: &[&str]| installation.call(&[words, &["-q"]].concat());
    let unknown = quiet(&["tools", "show", "DOT_NOBODY"]).expect(2);
    one_line(&unknown, "(unknown_dot)");
    one_line(
        &quiet(&["run", "DOT_SHA256SUM", "--mode", "real-run"]).expect(3),
        "real_run_disabled",
    );
    one_line(&quiet(&["runs", "shwo"]).expect(2), "shwo");
    one_line(
        &quiet(&[&RUN[..], &["--status", "failed"]].concat()).expect(1),
        "FAILED",
    );
    let as_json = quiet(&["tools", "show", "DOT_NOBODY", "--output", "json"]).expect(2);
    one_line(&as_json, "unknown_dot");
    installation.sql(
        "CREATE FUNCTION public.always_one() RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint';
         SELECT dot.fn_dot_preflight_check_set('always_one', 'public.always_one', 'tester')",
    );
    one_line(&quiet(&["preflight"]).expect(3), "BLOCKED: always_one");
}

#[test]
fn a_held_lease_is_refused_with_its_holder() {
    let installation = Installation::with_catalogue();
    installation.sql(
        "SELECT dot.fn_dot_iu_runtime_lease_acquire('dot_exec:DOT_SHA256SUM', 'somebody', 60)",
    );
    let words = [&RUN[..], &["--output", "json"]].concat();
    let refused = installation.call(&words).expect(4).failure();
    let message = refused["message"].as_str().unwrap();
    assert!(message.contains("held by somebody since 2"), "{message}");
    assert_eq!(refused["detail"]["lease_holder"], "somebody");
    assert!(refused["detail"]["acquired_at"].is_string(), "{refused}");
}

#[test]
fn a_relative_input_that_exists_is_recorded_as_an_absolute_one() {
    let installation = Installation::with_catalogue();
    let file = installation.desk.file("release.tar", "a\n");
    let input = |name: &str| {
        let id = recorded(&installation, &["--input", name])["process_run_id"].clone();
        let words = ["runs", "show", id.as_str().unwrap(), "--output", "json"];
        installation.call(&words).expect(0).json()["run"]["input_ref"].clone()
    };
    assert_eq!(input("release.tar"), file.to_str().unwrap());
    assert_eq!(input("fixture:none"), "fixture:none");
}
