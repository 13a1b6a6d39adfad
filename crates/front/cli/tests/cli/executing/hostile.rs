//! Tools that do not do what they are asked. What the ledger says of them is what happened.

use super::site::{Pair, Site, is_running};

#[test]
fn a_daemon_that_leaves_its_session_ends_with_the_call() {
    let site = Site::with(&Pair::of_producer(
        "setsid sh -c 'echo $$ > \"$0.new\"; mv \"$0.new\" \"$0\"; exec sleep 600' '{input}' > /dev/null 2>&1 &\n\
         while ! test -e '{input}'; do sleep 0.02; done; echo > '{output}'",
    ));
    let input = site.path("daemon").to_str().unwrap().to_owned();
    site.run("real-run", &["--input", &input]).expect(0);
    assert!(!is_running(site.process_in("daemon")), "the daemon goes on");
    let leftover = &site.evidence(0)["lingering_processes"];
    assert_eq!(leftover["count"], 1, "{leftover}");
    assert_eq!(leftover["names"][0], "sleep");
    let shown = site.0.call(&["runs", "show", "last"]).expect(0).output;
    assert!(shown.contains("left behind  1 process: sleep"), "{shown}");
}

#[test]
fn endless_output_is_cut_off() {
    let site = Site::with(&Pair {
        invocation: "output = 'stdout'\nlimits = { stdout_bytes = 100_000 }".to_owned(),
        ..Pair::of_producer("yes")
    });
    let run = site.run("real-run", &[]).expect(1).json();
    assert_eq!(run["error_ref"], "producer: output_too_large");
    let evidence = site.evidence(0);
    assert_eq!(evidence["limits"]["limit_reached"][0], "stdout_bytes");
    assert_eq!(evidence["outcome"], "unknown");
    let folder = std::path::Path::new(run["folder"].as_str().unwrap());
    let kept = folder.join("producer/stdout").metadata().unwrap().len();
    assert!(kept <= 100_000, "{kept}");
}

#[test]
fn a_tool_that_ignores_sigterm_is_killed() {
    let site = Site::with(&Pair {
        invocation: "limits = { grace_ms = 200 }".to_owned(),
        time_limit: 1_000,
        ..Pair::of_producer("trap '' TERM; echo $$ > '{input}'; while true; do sleep 1; done")
    });
    let input = site.path("process").to_str().unwrap().to_owned();
    let run = site.run("real-run", &["--input", &input]).expect(1).json();
    assert_eq!(run["error_ref"], "producer: deadline");
    assert!(!is_running(site.process_in("process")));
    let told = site.evidence(0)["signals_sent"].to_string();
    assert!(
        told.contains("SIGTERM") && told.contains("SIGKILL"),
        "{told}"
    );
}

#[test]
fn a_dry_run_writes_nowhere_else_or_the_evidence_says_that_it_could_have() {
    let site = Site::with(&Pair::of_producer("echo x > '{input}'; echo > '{output}'"));
    let outside = site.path("outside");
    let answer = site.run("dry-run", &["--input", outside.to_str().unwrap()]);
    let sandbox = &site.evidence(0)["sandbox"];
    assert_eq!(sandbox["network"], "not_restricted");
    match sandbox["writes"].as_str().unwrap() {
        "enforced" => {
            assert!(!outside.exists());
        }
        _ => assert!(
            !sandbox["missing"].as_array().unwrap().is_empty(),
            "{sandbox}"
        ),
    }
    // The shell goes on after the refused redirection, and ends well.
    answer.expect(0);
}

#[test]
fn a_real_run_is_not_said_to_be_restricted() {
    let site = Site::with(&Pair::of_producer("echo > '{output}'"));
    site.run("real-run", &[]).expect(0);
    assert_eq!(site.evidence(0)["sandbox"]["writes"], "not_restricted");
}

#[test]
fn an_exit_status_of_0_does_not_outweigh_a_failing_verdict() {
    let site = Site::with(&Pair::of_verifier(r#"echo '{{"verdict": "fail"}}'"#));
    let run = site.run("real-run", &[]).expect(1).json();
    assert_eq!(run["verdict"], "fail");
    assert_eq!(site.rung(), "real_run_observed");
}

#[test]
fn a_pass_for_another_digest_is_no_pass() {
    let other = format!(
        r#"echo '{{{{"verdict": "pass", "verified_digest": "sha256:{}"}}}}'"#,
        "0".repeat(64)
    );
    let site = Site::with(&Pair::of_verifier(&other));
    let run = site.run("real-run", &[]).expect(1).json();
    assert_eq!(run["verdict"], "error");
    assert_eq!(run["error_ref"], "verifier: digest_mismatch");
    assert_eq!(site.rung(), "real_run_observed");
    site.holds();
}

#[test]
fn a_verifier_that_changes_what_it_passes_has_passed_nothing() {
    let site = Site::with(&Pair::of_verifier("echo else > '{output}'"));
    let run = site.run("real-run", &[]).expect(1).json();
    assert_eq!(run["verdict"], "error");
    assert_eq!(run["error_ref"], "verifier: output_changed");
}

#[test]
fn reported_mock_is_recorded_as_simulated() {
    let site = Site::with(&Pair::of_producer(
        r#"echo '{{"is_mock": true}}' > '{output}'"#,
    ));
    let answer = site.run("real-run", &[]).expect(1);
    assert!(
        answer.messages.contains("only pretended"),
        "{}",
        answer.messages
    );
    let run = answer.json();
    assert_eq!(run["producer"]["is_mock"], true);
    assert_eq!(run["producer"]["evidence_type"], "SIMULATED_DRY_RUN");
    assert_eq!(run["verifier"]["evidence_type"], "SIMULATED_DRY_RUN");
    // The verifier's word stands; it is no verdict of a real run.
    assert_eq!(run["verdict"], serde_json::Value::Null);
    assert_eq!(run["verifier"]["verdict"], "pass");
    assert_eq!(site.story("last")["run"]["verdict"], run["verdict"]);
    assert_eq!(site.rung(), "simulated_observed");
    let shown = site.0.call(&["runs", "show", "last"]).expect(0).output;
    assert!(shown.contains("pretended"), "{shown}");
    site.holds();
}

#[test]
fn real_run_whose_verifier_pretends_fails() {
    for said in ["true", "null"] {
        let verifier = format!(r#"echo '{{{{"verdict": "pass", "is_mock": {said}}}}}'"#);
        let site = Site::with(&Pair::of_verifier(&verifier));
        let answer = site.run("real-run", &[]).expect(1);
        assert!(
            answer.messages.contains("DOT_MAKE_CHECK only pretended"),
            "{}",
            answer.messages
        );
        // What only pretended passes nothing that ran.
        let run = answer.json();
        assert_eq!(run["verdict"], serde_json::Value::Null);
        assert_eq!(run["error_ref"], serde_json::Value::Null);
        // What it said stands, here as in the ledger.
        assert_eq!(run["verifier"]["verdict"], "pass");
        assert_eq!(run["producer"]["verdict"], serde_json::Value::Null);
        let story = site.story("last");
        assert_eq!(story["run"]["verdict"], run["verdict"]);
        let components = story["components"].as_array().unwrap();
        let verifier = components
            .iter()
            .find(|component| component["component_role"] == "verifier");
        assert_eq!(verifier.unwrap()["verdict"], run["verifier"]["verdict"]);
        assert_eq!(site.rung(), "real_run_observed");
        let listed = site.0.call(&["runs", "ls"]).expect(0).output;
        assert!(listed.contains("REAL RUN, mock"), "{listed}");
        site.run("dry-run", &[]).expect(0);
        site.holds();
    }
}

/// A secret that a contract hands to its tool, and that the tool says in another spelling, is neither in the
/// ledger nor in what is kept of what it printed.
#[test]
fn secret_that_a_tool_repeats_is_not_kept() {
    const SECRET: &str = "hunter2/of-the-runner";
    for (say, code) in [
        ("echo \"$API_TOKEN\"", "secret_in_output"),
        ("printf %s \"$API_TOKEN\" | base64", "secret_in_output"),
        (
            "echo \"$API_TOKEN\" | sed 's,/,\\\\/,' >&2; echo made > '{output}'",
            "secret_in_output",
        ),
        ("echo \"$API_TOKEN\" >&2; exit 3", "exit_status"),
    ] {
        let site = Site::with(&Pair {
            invocation: "environment = ['API_TOKEN', 'SETTING']".to_owned(),
            ..Pair::of_producer(say)
        });
        let mut command = site.0.command(&Site::words("real-run", &[]));
        command.env("API_TOKEN", SECRET).env("SETTING", "a setting");
        let answer = crate::support::Answer::of(&mut command).expect(1);
        let run = answer.json();
        assert_eq!(run["error_ref"], format!("producer: {code}"), "{say}");
        let folder = run["folder"].as_str().unwrap();
        let kept = std::process::Command::new("grep")
            .args(["-rE", "hunter2|aHVudGVyMi9vZi10aGUtcnVubmVy", folder])
            .output()
            .unwrap();
        assert!(kept.stdout.is_empty(), "{say}: {kept:?}");
        assert!(!site.story("last").to_string().contains("hunter2"));
    }
}

#[test]
fn the_runner_s_environment_does_not_reach_a_tool() {
    let site = Site::with(&Pair::of_producer("env > '{output}'"));
    let mut command = site.0.command(&Site::words("real-run", &[]));
    command.env("SECRET_OF_THE_RUNNER", "hunter2");
    let run = crate::support::Answer::of(&mut command).expect(0).json();
    let folder = std::path::Path::new(run["folder"].as_str().unwrap());
    let environment = std::fs::read_to_string(folder.join("producer/output")).unwrap();
    assert!(
        !environment.contains("hunter2") && !environment.contains("DATABASE_URL"),
        "{environment}"
    );
}
