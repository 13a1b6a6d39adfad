//! What exactly ran, what it was given and what it left, as the contract says it and the ledger shows it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use nix::sys::signal::{Signal, kill};

use super::site::{Pair, Site, is_running};
use crate::support::Answer;

/// Sets the producer's contract for real runs, with further lines of its invocation.
fn set(site: &Site, script: &str, lines: &str, more: &[&str]) -> Answer {
    let contract = format!(
        "[[contract]]\ndot_code = \"DOT_MAKE\"\nmode = \"REAL_RUN\"\nendpoint_ref = \"command:sh\"\n\
         [contract.invocation]\nargv = [\"sh\", \"-c\", '''{script}''']\n{lines}\n"
    );
    let file = site.file("real.toml", &contract);
    site.0
        .call(&[&["contract", "set", &file, "--reason", "a test"], more].concat())
}

/// A file with a secret, closed to others.
fn secret(site: &Site, mode: u32) -> String {
    let path = site.file("secret", "correct-horse-battery\n");
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    path
}

#[test]
fn run_shows_its_command_and_the_digests_of_program_and_input() {
    let site = Site::with(&Pair::default());
    let input = site.file("in/text", "a text\n");
    site.run("real-run", &["--input", &input]).expect(0);
    let evidence = site.evidence(0);
    let output = site.story("last")["components"][0]["output_digest"].clone();
    // The producer copies its input.
    let digest = evidence["input_sha256"].as_str().unwrap();
    assert_eq!(output, format!("sha256:{digest}"));
    assert!(site.evidence(1).get("input_sha256").is_none());
    let shown = site.0.call(&["runs", "show", "last"]).expect(0).output;
    let command = format!("command      sh -c 'cat -- '\\''{input}'\\'' > ");
    assert!(shown.contains(&command), "{shown}");
    let program = evidence["program_sha256"].as_str().unwrap();
    assert!(shown.contains(&format!("sh, sha256 {program}")), "{shown}");
    assert!(
        shown.contains(&format!("input digest  sha256 {digest}")),
        "{shown}"
    );
    let version = &site.story("last")["run"]["evidence_ref"]["runner_version"];
    assert_eq!(version, env!("CARGO_PKG_VERSION"));
    site.holds();
}

#[test]
fn secret_from_a_file_reaches_the_tool_and_nothing_else() {
    let site = Site::with(&Pair::default());
    let path = secret(&site, 0o600);
    let lines = format!("variables_from = {{ TOOL_KEY = {{ file = \"{path}\" }} }}");
    let quiet = r#"test "$TOOL_KEY" = correct-horse-""battery && echo made > "$DOT_OUTPUT""#;
    set(&site, quiet, &format!("{lines}\noutput = \"file\""), &[]).expect(0);
    let input = site.file("made", "made\n");
    site.run("real-run", &["--input", &input]).expect(0);
    let telling = r#"echo "$TOOL_KEY"; echo "$TOOL_KEY" >&2"#;
    let tail = format!("{lines}\nrecord_stderr_tail_bytes = 1000");
    set(&site, telling, &tail, &[]).expect(0);
    let failed = site.run("real-run", &["--input", &input]).expect(1);
    assert_eq!(failed.json()["error_ref"], "producer: secret_in_output");
    let ledger = site.0.json(&["runs", "show", "last"]).to_string();
    for text in [ledger, failed.output, failed.messages] {
        assert!(!text.contains("correct-horse"), "{text}");
    }
    let shown = site
        .0
        .call(&["contract", "show", "DOT_MAKE"])
        .expect(0)
        .output;
    assert!(
        shown.contains(&path) && !shown.contains("correct-horse"),
        "{shown}"
    );
}

#[test]
fn secret_that_cannot_be_had_is_refused_before_anything_is_recorded() {
    let site = Site::with(&Pair::default());
    let path = secret(&site, 0o644);
    let lines = format!("variables_from = {{ TOOL_KEY = {{ file = \"{path}\" }} }}");
    let refused = set(&site, "true", &lines, &[]).expect(3);
    assert!(
        refused.messages.contains("mode 0644"),
        "{}",
        refused.messages
    );
    // Meant for another machine.
    set(&site, "true", &lines, &["--force"]).expect(0);
    let refused = site.run("real-run", &[]).expect(3);
    assert_eq!(refused.failure()["code"], "secret_file_unusable");
    assert!(site.runs().is_empty() && !site.path("runs").exists());
    let malformed = set(
        &site,
        "true",
        "variables_from = { K = { file = \"here\" } }",
        &[],
    );
    assert!(malformed.expect(2).messages.contains("variables_from.K"));
}

#[test]
fn process_that_the_contract_names_outlives_the_run() {
    let site = Site::with(&Pair::of_producer("true"));
    let daemon = site.path("daemon").to_str().unwrap().to_owned();
    let script = format!(
        "cp \"$(command -v sleep)\" {daemon}; {daemon} 1000 >/dev/null 2>&1 & echo $! > {daemon}.pid; \
         until test \"$(cat /proc/$(cat {daemon}.pid)/comm)\" = daemon; do :; done; echo up"
    );
    set(&site, &script, "leave_running = [\"daemon\"]", &[]).expect(0);
    site.run("real-run", &[]).expect(0);
    let process = site.process_in("daemon.pid");
    assert!(is_running(process));
    let left = &site.evidence(0)["left_running"]["processes"][0];
    assert_eq!(left["process"], process.as_raw());
    let shown = site.0.call(&["runs", "show", "last"]).expect(0).output;
    assert!(
        shown.contains("left running  by the contract's leave: daemon"),
        "{shown}"
    );
    kill(process, Signal::SIGKILL).unwrap();
    // Without the key it ends with the run.
    set(&site, &script, "", &[]).expect(0);
    site.run("real-run", &[]).expect(0);
    assert!(!is_running(site.process_in("daemon.pid")));
    site.holds();
}

#[test]
fn contract_of_sudo_is_warned_of_unless_it_may_gain_rights() {
    let site = Site::closed(&Pair::default());
    // The name is what counts; the real one may not be installed.
    let program = site.file("bin/sudo", "#!/bin/sh\n");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let sudo = |lines: &str| {
        let contract = format!(
            "[[contract]]\ndot_code = \"DOT_MAKE\"\nmode = \"REAL_RUN\"\nendpoint_ref = \"command:{program}\"\n\
             [contract.invocation]\nargv = [\"sudo\", \"-n\", \"true\"]\n{lines}\n"
        );
        let file = site.file("sudo.toml", &contract);
        site.0
            .call(&["contract", "set", &file, "--reason", "a test"])
            .expect(0)
            .messages
    };
    let warned = sudo("");
    assert!(warned.contains("sudo gains no rights here"), "{warned}");
    let silent = sudo("allow_setuid = true");
    assert!(!silent.contains("gains no rights"), "{silent}");
}

#[test]
fn contract_is_explained_in_sentences() {
    let site = Site::closed(&Pair::default());
    let lines = "leave_running = [\"daemon\"]\nallow_setuid = true\nwarn_exit = [1]\nlimits = { processes = 4 }\n\
                 variables_from = { K = { environment = \"PATH\" } }\nrecord_stderr_tail_bytes = 1024";
    set(&site, "true", lines, &[]).expect(0);
    let explain = ["contract", "show", "DOT_MAKE", "--explain"];
    let said = site.0.call(&explain).expect(0).output;
    for rule in [
        "DOT_MAKE DRY_RUN",
        "It gains no rights by executing a program.",
        "DOT_MAKE REAL_RUN",
        "It may gain rights by executing a program, as sudo does (allow_setuid).",
        "Processes named daemon stay when it has ended by itself",
        "If it ends with 1, it has done its work with a warning.",
        "It may run 4 processes at once.",
        "K is a secret from the runner's variable PATH",
        "The last 1 KiB of its standard error are kept in the ledger",
        // Defaults are said too.
        "A call ends after 1 min at the latest.",
        "It has succeeded if it ends with 0.",
        "Its HOME is an empty folder of the call.",
        "It is stopped when it has printed more than 256 MiB.",
        "The run's input is digested if it is a file of at most 1 GiB.",
    ] {
        assert!(said.contains(rule), "{rule}\n{said}");
    }
    let explained = site.0.call(&[&explain[..], &["--output", "json"]].concat());
    let explained = explained.expect(0).json();
    assert_eq!(explained[1]["mode"], "REAL_RUN");
    assert!(explained[1]["rules"].as_array().unwrap().len() > 20);
    let verifier = ["contract", "show", "DOT_MAKE_CHECK", "--explain"];
    let said = site.0.call(&verifier).expect(0).output;
    assert!(
        said.contains("It passes the output if it ends with 0."),
        "{said}"
    );
}

#[test]
fn end_of_standard_error_is_shown_where_the_files_are_not() {
    let site = Site::with(&Pair::of_producer("true"));
    let script = "for i in 1 2 3 4 5; do echo \"line $i of it\" >&2; done; exit 3";
    set(&site, script, "record_stderr_tail_bytes = 26", &[]).expect(0);
    site.run("real-run", &[]).expect(1);
    let logs = |words: &[&str]| {
        let words = [&["runs", "logs", "last", "--runs-folder", "runs"], words].concat();
        site.0.call(&words)
    };
    // Here are all of them.
    let here = logs(&["--stderr"]).expect(0);
    assert!(here.output.starts_with("line 1 of it\n"), "{}", here.output);
    fs::remove_dir_all(site.path("runs")).unwrap();
    let elsewhere = logs(&["--stderr"]).expect(0);
    assert_eq!(elsewhere.output, "line 4 of it\nline 5 of it\n");
    assert!(
        elsewhere.messages.contains("as the ledger has it"),
        "{}",
        elsewhere.messages
    );
    assert_eq!(
        logs(&["--stderr", "-n", "1"]).expect(0).output,
        "line 5 of it\n"
    );
    logs(&[]).expect(2);
    let shown = site.0.call(&["runs", "show", "last"]).expect(0).output;
    assert!(shown.contains("said         line 5 of it"), "{shown}");
    let too_long = set(&site, script, "record_stderr_tail_bytes = 4097", &[]);
    assert!(too_long.expect(2).messages.contains("at most 4096"));
}
