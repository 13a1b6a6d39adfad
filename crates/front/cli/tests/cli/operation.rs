//! `gates`, `preflight`, `lease`, `events`, `status`, `ladder`, `refusals`.

use crate::assert_answer;
use crate::support::Installation;

#[test]
fn the_gates_are_closed_as_shipped() {
    assert_answer!(Installation::as_shipped().call(&["gates"]));
}

#[test]
fn a_gate_is_opened_for_a_time_and_closed_again_and_both_are_kept() {
    let installation = Installation::as_shipped();
    for gate in ["operator_runtime_enabled", "execute_enabled"] {
        installation
            .call(&["gates", "open", gate, "--for", "15m", "--reason", "a test"])
            .expect(0);
    }
    let open = installation.json(&["gates"]);
    assert_eq!(open["posture"], "DRY_RUN_ONLY");
    assert!(open["gates"][2]["expires_at"].is_string(), "{open}");
    installation
        .call(&["gates", "close", "execute_enabled", "--reason", "done"])
        .expect(0);
    assert_eq!(installation.json(&["gates"])["posture"], "NO_EXECUTE");
    let history = installation.json(&["gates", "history", "execute_enabled"]);
    assert_eq!(history[0]["reason"], "done");
    assert_eq!(history[1]["reason"], "a test");
    assert_eq!(history[0]["actor"], "tester");
}

#[test]
fn what_a_change_means_for_runs_is_told_and_kept() {
    let installation = Installation::as_shipped();
    let gate = "execute_enabled";
    let change = |words: &[&str]| {
        let reason = ["--reason", "a test", "--output", "json"];
        installation
            .call(&[&["gates"], words, &reason].concat())
            .expect(0)
            .json()
    };
    for (words, option) in [
        (
            vec!["open", gate, "--for", "15m", "--stop-at-end"],
            "stop_at_end",
        ),
        (vec!["close", gate, "--let-finish"], "let_finish"),
        (vec!["close", gate, "--now"], "stop_now"),
    ] {
        let told = change(&words);
        let kept = installation.json(&["gates", "history", gate, "--limit", "1"])[0].clone();
        let shown = installation.json(&["gates"])["gates"][2].clone();
        for name in ["stop_at_end", "let_finish", "stop_now"] {
            for place in [&told, &kept, &shown] {
                assert_eq!(
                    place[name],
                    name == option,
                    "{name} of {words:?} in {place}"
                );
            }
        }
    }
    for words in [
        vec!["open", gate, "--without-end", "--stop-at-end"],
        vec!["close", gate, "--now", "--let-finish"],
    ] {
        let reason = ["--reason", "a test"];
        installation
            .call(&[&["gates"], &words[..], &reason].concat())
            .expect(2);
    }
}

#[test]
fn the_history_of_one_gate_is_not_pushed_out_by_that_of_the_others() {
    let installation = Installation::as_shipped();
    let close = |gate, reason| {
        installation
            .call(&["gates", "close", gate, "--reason", reason])
            .expect(0);
    };
    close("execute_enabled", "first");
    close("execute_enabled", "second");
    close("dry_run_only", "another gate");
    let history = installation.json(&["gates", "history", "execute_enabled", "--limit", "1"]);
    assert_eq!(history.as_array().unwrap().len(), 1);
    assert_eq!(history[0]["reason"], "second");
}

#[test]
fn what_was_changed_is_told_to_programs_and_only_noted_for_people() {
    let installation = Installation::as_shipped();
    let open = ["gates", "open", "execute_enabled", "--for", "15m"];
    let (json, reason) = (["--output", "json"], ["--reason", "a test"]);
    let call = |words: &[&str]| {
        installation
            .call(&[words, &json[..]].concat())
            .expect(0)
            .json()
    };
    assert_eq!(
        call(&[&open[..], &reason].concat()),
        serde_json::json!({
            "key": "process_dot_runtime.execute_enabled", "value": "true", "open": true, "lasting": "PT15M",
            "posture": "NO_EXECUTE", "stop_at_end": false, "let_finish": false, "stop_now": false,
        })
    );
    let activate = [&["events", "activate", "process.run.failed"], &reason[..]].concat();
    for changed in [true, false] {
        assert_eq!(
            call(&activate),
            serde_json::json!({ "event_type": "process.run.failed", "active": true, "changed": changed })
        );
    }
    // What is not given stays, and what is told is what the candidate is now.
    for (words, title, owner) in [
        (["--title", "Mine"], "Mine", serde_json::Value::Null),
        (["--owner", "ann"], "Mine", "ann".into()),
        (["--title", "Ours"], "Ours", "ann".into()),
        (["--owner", ""], "Ours", serde_json::Value::Null),
    ] {
        let words = [&["candidates", "set", "C"], &words[..]].concat();
        let told = call(&words);
        let again = installation.call(&words).expect(0).messages;
        assert!(again.contains("already there: C"), "{again}");
        assert_eq!((&told["title"], &told["owner"]), (&title.into(), &owner));
    }
    for words in [
        &[&open[..], &reason].concat(),
        &activate,
        &vec!["candidates", "set", "C"],
    ] {
        let answer = installation.call(words).expect(0);
        assert_eq!(answer.output, "", "{words:?}");
        assert_ne!(answer.messages, "", "{words:?}");
    }
}

#[test]
fn brake_gate_has_inverted_sense() {
    let installation = Installation::as_shipped();
    let brake = || installation.json(&["gates"])["gates"][1].clone();
    assert_eq!(brake()["key"], "process_dot_runtime.dry_run_only");
    installation
        .call(&[
            "gates",
            "open",
            "dry_run_only",
            "--for",
            "1m",
            "--reason",
            "r",
        ])
        .expect(0);
    assert_eq!(
        (&brake()["value"], &brake()["open"]),
        (&"false".into(), &true.into())
    );
    installation
        .call(&["gates", "close", "dry_run_only", "--reason", "r"])
        .expect(0);
    assert_eq!(
        (&brake()["value"], &brake()["open"]),
        (&"true".into(), &false.into())
    );
}

#[test]
fn a_gate_is_not_opened_without_an_end_by_mistake() {
    Installation::as_shipped()
        .call(&["gates", "open", "execute_enabled", "--reason", "r"])
        .expect(2);
}

#[test]
fn with_open_gates_a_form_of_call_that_nobody_declared_is_still_not_improvised() {
    let installation = Installation::with_catalogue();
    for gate in [
        "operator_runtime_enabled",
        "execute_enabled",
        "dry_run_only",
        "real_run_enabled",
    ] {
        installation
            .call(&["gates", "open", gate, "--for", "1m", "--reason", "r"])
            .expect(0);
    }
    for mode in ["dry-run", "real-run"] {
        let failure = installation.failure(&["run", "DOT_RESTIC_BACKUP", "--mode", mode], 3);
        assert_eq!(failure["code"], "contract_missing", "{mode}");
    }
}

#[test]
fn the_builtin_checks_pass() {
    assert_answer!(Installation::with_catalogue().call(&["preflight"]));
}

#[test]
fn a_lease_can_be_taken_away_with_a_reason() {
    let installation = Installation::with_catalogue();
    installation.sql(
        "SELECT dot.fn_dot_iu_runtime_lease_acquire('dot_exec:DOT_SHA256SUM', 'somebody', 60)",
    );
    let held = installation.json(&["lease", "ls", "--held"]);
    assert_eq!(held[0]["lease_holder"], "somebody");
    installation
        .call(&["lease", "release", "dot_exec:DOT_SHA256SUM"])
        .expect(2);
    let taken = installation
        .call(&[
            "lease",
            "release",
            "dot_exec:DOT_SHA256SUM",
            "--reason",
            "it hangs",
        ])
        .expect(0);
    assert!(taken.messages.contains("took"), "{}", taken.messages);
    let again = installation
        .call(&[
            "lease",
            "release",
            "dot_exec:DOT_SHA256SUM",
            "--reason",
            "it hangs",
            "--output",
            "json",
        ])
        .expect(0);
    assert!(again.messages.contains("nobody held"), "{}", again.messages);
    assert_eq!(
        again.json(),
        serde_json::json!({ "lease_name": "dot_exec:DOT_SHA256SUM", "taken": false })
    );
    installation.simulate(&[]).expect(0);
}

#[test]
fn simulated_evidence_is_never_shown_as_verified() {
    let installation = Installation::with_catalogue();
    installation
        .call(&["run", "DOT_KG_EXPLAIN", "--mode", "simulate"])
        .expect(0);
    assert_answer!(installation.call(&["status", "DOT_KG_EXPLAIN"]));
    let ladder = installation.call(&["ladder"]).expect(0);
    let line = ladder
        .output
        .lines()
        .find(|line| line.starts_with("PROC-CAND:dot:kg"))
        .unwrap();
    assert!(
        line.contains("simulated_observed") && line.contains("NOT_VERIFIED"),
        "{line}"
    );
}

#[test]
fn a_refused_call_is_on_record_as_a_refusal() {
    let installation = Installation::with_catalogue();
    installation
        .call(&["run", "DOT_SHA256SUM", "--mode", "real-run"])
        .expect(3);
    let refusals = installation.json(&["refusals", "ls"]);
    assert_eq!(refusals[0]["refusal_code"], "real_run_disabled");
    assert_eq!(refusals[0]["actor"], "tester");
}

#[test]
fn every_refusal_code_says_what_to_do() {
    let codes = Installation::as_shipped().json(&["refusals", "codes"]);
    let codes = codes.as_array().unwrap();
    assert!(codes.len() > 40);
    assert!(
        codes
            .iter()
            .all(|code| !code["hint"].as_str().unwrap().is_empty())
    );
}

#[test]
fn a_run_whose_holder_died_is_concluded_by_reap() {
    let installation = Installation::with_catalogue();
    installation.sql(
        "SELECT dot.fn_dot_gate_set(key, 'true', 'a', 'r') FROM unnest('{iu_core.operator_runtime_enabled,process_dot_runtime.execute_enabled}'::text[]) key",
    );
    // A gate change takes effect when it commits, also for its own transaction.
    installation.sql(
        "SELECT dot.fn_dot_contract_set(jsonb_build_object('dot_code', dot_code, 'mode', 'DRY_RUN', 'endpoint_ref', 'command:x',
           'no_mutation_assertion', true, 'output_namespace', 'DRYRUN-NS:x'), 'a')
         FROM unnest('{DOT_KG_EXPLAIN,DOT_KG_EXPLAIN_VERIFY}'::text[]) dot_code;
         SELECT * FROM dot.fn_process_run_begin('DOT_KG_EXPLAIN', 'PROC-CAND:dot:kg', 'c', 'a', 'DRY_RUN', 'runner')",
    );
    let reap = ["reap", "--output", "json"];
    assert_eq!(
        installation.call(&reap).expect(0).json(),
        serde_json::json!([])
    );
    installation.sql_as_superuser(
        "UPDATE dot.dot_iu_runtime_lease SET expires_at = clock_timestamp() - interval '1 ms'",
    );
    // Whoever is no runner may not.
    installation.call_as("dot_observer", &reap).expect(77);
    let reaped = installation.call(&reap).expect(0).json();
    assert_eq!(
        (
            &reaped[0]["dot_code"],
            &reaped[0]["status"],
            &reaped[0]["evidence_ref"]["outcome"]
        ),
        (&"DOT_KG_EXPLAIN".into(), &"stuck".into(), &"unknown".into())
    );
    assert_eq!(
        installation.call(&reap).expect(0).json(),
        serde_json::json!([])
    );
}
