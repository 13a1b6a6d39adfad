//! What a real run may do beyond its account and its time, because its contract says so.

use std::{fs, os::unix::fs::PermissionsExt};

use dotwrap_invoke::{CallOutcome, Invoker, Mode, StopHandle, StopReason};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value as Json, json};

use crate::support::{Case, WAIT_LIMIT, failure, invoker, is_gone, printed};

const RIGHTS: &str = "grep NoNewPrivs /proc/self/status";

/// Two daemons in sessions of their own, the first with a name that is longer than the kernel keeps.
const DAEMONS: &str = r#"cp "$(command -v sleep)" dot-long-lived-daemon; cp dot-long-lived-daemon other
(setsid ./dot-long-lived-daemon 1000 >/dev/null 2>&1 & echo $! >named) ; (setsid ./other 1000 >/dev/null 2>&1 & echo $! >unnamed)
until test "$(cat /proc/$(cat named)/comm)" = dot-long-lived-; do :; done; echo begun >begun"#;

fn leaving(script: &str) -> Case {
    let names = json!({"leave_running": ["dot-long-lived-daemon"]});
    Case::script(script, names).for_real()
}

fn end(process: i32) {
    kill(Pid::from_raw(process), Signal::SIGKILL).unwrap();
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn real_run_gains_rights_only_where_its_contract_says_so() {
    let allowed = json!({"allow_setuid": true});
    let case = Case::script(RIGHTS, json!({})).for_real();
    assert_eq!(printed(&case.run().await), "NoNewPrivs:\t1\n");
    let case = Case::script(RIGHTS, allowed).for_real();
    let answer = case.run().await;
    assert_eq!(printed(&answer), "NoNewPrivs:\t0\n");
    let lifted = answer.evidence["limits"]["not_enforced"].to_string();
    assert!(lifted.contains("allow_setuid"), "{lifted}");
}

#[test]
#[cfg(target_os = "linux")]
fn runner_that_can_pass_on_no_rights_refuses_the_contract() {
    let case = Case::script("true", json!({"allow_setuid": true})).for_real();
    let contract = case.call.contract;
    invoker().check(&contract, Mode::RealRun).unwrap();
    // The attribute is a thread's, for good.
    let check = move || {
        nix::sys::prctl::set_no_new_privs().unwrap();
        invoker().check(&contract, Mode::RealRun)
    };
    let refused = std::thread::spawn(check).join().unwrap().unwrap_err();
    assert_eq!(refused.code, "no_new_privs");
    assert!(refused.hint.is_some());
}

#[tokio::test]
async fn named_process_runs_on_and_others_are_ended() {
    let case = leaving(DAEMONS);
    let answer = case.run().await;
    assert_eq!(answer.ending, CallOutcome::Completed, "{answer:?}");
    let (named, unnamed) = (
        case.process_in("named").await,
        case.process_in("unnamed").await,
    );
    let left = json!({"count": 1, "processes": [{"process": named, "name": "dot-long-lived-"}]});
    assert_eq!(answer.evidence["left_running"], left);
    assert_eq!(
        answer.evidence["lingering_processes"]["names"],
        json!(["other"])
    );
    assert!(!is_gone(named) && is_gone(unnamed));
    // The next call cleans up what calls have left, and this is left with leave.
    Case::script("true", json!({})).for_real().run().await;
    assert!(!is_gone(named));
    end(named);
    wait_until_reaped(named).await;
}

/// The process was adopted by this one, which asks how it ended when it starts a call.
async fn wait_until_reaped(process: i32) {
    let reaped = async {
        while !is_gone(process) {
            Case::script("true", json!({})).for_real().run().await;
        }
    };
    tokio::time::timeout(WAIT_LIMIT, reaped).await.unwrap();
}

#[tokio::test]
async fn what_a_named_process_has_started_is_its_own() {
    let script = r#"printf '#!/bin/sh\nsleep 1000 &\necho $! >child\nwait\n' >dot-long-lived-daemon
chmod +x dot-long-lived-daemon; (setsid ./dot-long-lived-daemon >/dev/null 2>&1 & echo $! >named)
until test -s child; do :; done"#;
    let case = leaving(script);
    let answer = case.run().await;
    assert_eq!(answer.evidence["left_running"]["count"], json!(2));
    let (named, child) = (
        case.process_in("named").await,
        case.process_in("child").await,
    );
    assert!(!is_gone(named) && !is_gone(child));
    assert!(!answer.evidence.contains_key("lingering_processes"));
    end(child);
    end(named);
}

#[tokio::test]
async fn stopped_call_leaves_nothing() {
    let (handle, stop) = StopHandle::new();
    let case = leaving(&format!("{DAEMONS}; sleep 1000"));
    let stopping = async {
        let named = case.process_in("named").await;
        case.process_in("unnamed").await;
        handle.stop(StopReason::Interrupted);
        named
    };
    let (answer, named) = tokio::join!(case.run_until(stop), stopping);
    assert!(
        matches!(answer.ending, CallOutcome::Stopped(_)),
        "{answer:?}"
    );
    assert!(is_gone(named));
    assert!(!answer.evidence.contains_key("left_running"));
}

#[tokio::test]
async fn cleaning_up_after_another_call_spares_what_was_left() {
    // Older than what the first call leaves, and ended without its supervisor.
    let other = "echo $$ >up; until test -s stop; do sleep 0.01; done; kill -9 $PPID; sleep 1000";
    let other = Case::script(other, json!({})).for_real();
    let case = leaving(DAEMONS);
    let (named, lost) = tokio::join!(
        async {
            other.process_in("up").await;
            let answer = case.run().await;
            assert_eq!(answer.evidence["left_running"]["count"], json!(1));
            other.write("stop", "now");
            case.process_in("named").await
        },
        other.run(),
    );
    assert_eq!(failure(&lost).code, "supervisor_lost");
    assert!(!is_gone(named));
    end(named);
}

/// A contract's file with a secret, and what the contract says of it.
fn secret(text: &str, mode: u32) -> (tempfile::NamedTempFile, Json) {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), text).unwrap();
    fs::set_permissions(file.path(), fs::Permissions::from_mode(mode)).unwrap();
    let from = json!({"variables_from": {"TOOL_KEY": {"file": file.path()}}});
    (file, from)
}

#[tokio::test]
async fn value_comes_from_a_file_or_from_the_runner_s_environment() {
    let (_file, from) = secret("a value of it\n", 0o600);
    let case = Case::script(r#"printf %s "$TOOL_KEY" | wc -c"#, from);
    assert_eq!(printed(&case.run().await).trim(), "13");
    // Set by cargo for every test.
    let from = json!({"variables_from": {"TOOL_KEY": {"environment": "CARGO_PKG_NAME"}}});
    let case = Case::script(r#"test "$TOOL_KEY" = dotwrap-invoke-command"#, from);
    assert_eq!(case.run().await.ending, CallOutcome::Completed);
}

#[tokio::test]
async fn value_that_is_said_fails_the_call_and_is_hidden_everywhere() {
    let (_file, from) = secret("correct-horse-battery\n", 0o600);
    for script in [r#"echo "$TOOL_KEY""#, r#"echo "$TOOL_KEY" | base64"#] {
        let case = Case::script(script, from.clone());
        let answer = case.run().await;
        assert_eq!(failure(&answer).code, "secret_in_output", "{script}");
        assert!(!case.call.folder.join("stdout").exists());
    }
    // Also among the arguments, should the contract have it there after all.
    let case = Case::new(
        "command:true",
        json!({"argv": ["true", "--key=correct-horse-battery"]}),
    );
    let answer = case.more(from).run().await;
    assert_eq!(answer.evidence["argv"], json!(["true", "(hidden)"]));
    assert!(!format!("{answer:?}").contains("correct-horse"));
}

#[test]
fn value_that_cannot_be_had_refuses_the_run_before_it_begins() {
    let missing = json!({"variables_from": {"K": {"file": "/no/such/file"}}});
    let unset = json!({"variables_from": {"K": {"environment": "NOT_SET_ANYWHERE"}}});
    let (_open, open) = secret("secret", 0o604);
    let (_writable, writable) = secret("secret", 0o602);
    let (_empty, empty) = secret("\n", 0o600);
    let (_long, long) = secret(&"x".repeat(70_000), 0o600);
    let folder = json!({"variables_from": {"K": {"file": "/tmp"}}});
    for (from, code, said) in [
        (missing, "secret_file_unusable", "/no/such/file"),
        (unset, "variable_missing", "NOT_SET_ANYWHERE"),
        (open, "secret_file_unusable", "mode 0604"),
        (writable, "secret_file_unusable", "mode 0602"),
        (empty, "secret_file_unusable", "no value"),
        (long, "secret_file_unusable", "longer"),
        (folder, "secret_file_unusable", "no file"),
    ] {
        let contract = Case::script("true", from).call.contract;
        for mode in [Mode::DryRun, Mode::RealRun] {
            let refused = invoker().check(&contract, mode).unwrap_err();
            assert_eq!(refused.code, code);
            assert!(refused.message.contains(said), "{}", refused.message);
            assert!(refused.hint.is_some());
        }
        // Another machine may have it.
        invoker().check_invocation(&contract).unwrap();
    }
}

#[test]
fn keys_that_are_malformed_or_without_effect_are_refused() {
    let from = |source: Json| json!({"variables_from": {"K": source}});
    let real = |more| Case::script("true", more).for_real().call.contract;
    let dry = |more| Case::script("true", more).call.contract;
    let mut verifier = Case::verifier("true", json!({"leave_running": ["d"]})).for_real();
    verifier.call.contract.mode = "REAL_RUN".to_owned();
    for (contract, named) in [
        (dry(json!({"allow_setuid": true})), "allow_setuid"),
        (dry(json!({"leave_running": ["d"]})), "leave_running"),
        (verifier.call.contract, "leave_running"),
        (real(json!({"leave_running": [""]})), "leave_running"),
        (real(json!({"leave_running": ["/bin/d"]})), "/bin/d"),
        (real(json!({"leave_running": "d"})), "sequence"),
        (real(from(json!({"file": "relative"}))), "absolute"),
        (
            real(from(json!({"environment": "A=B"}))),
            "variables_from.K",
        ),
        (real(from(json!({"vault": "x"}))), "vault"),
        (
            real(from(json!({"file": "/a", "environment": "B"}))),
            "invocation",
        ),
        (real(from(json!("plain"))), "plain"),
        (
            real(json!({"variables_from": {"DOT_X": {"file": "/a"}}})),
            "DOT_X",
        ),
        (
            real(json!({"variables": {"K": "v"}, "variables_from": {"K": {"file": "/a"}}})),
            "another key",
        ),
        (
            real(json!({"environment": ["K"], "variables_from": {"K": {"file": "/a"}}})),
            "another key",
        ),
    ] {
        let refused = invoker().check_invocation(&contract).unwrap_err();
        assert_eq!(refused.code, "invocation_invalid");
        assert!(
            refused.message.contains(named),
            "{named}: {}",
            refused.message
        );
    }
}

#[test]
fn contract_of_sudo_without_the_right_to_gain_rights_is_warned_of() {
    let sudo = |more: Json| {
        let mut case = Case::script("true", more).for_real();
        case.call.contract.endpoint_ref = Some("command:sudo".to_owned());
        invoker().warnings(&case.call.contract)
    };
    let argv = json!({"argv": ["sudo", "-n", "true"]});
    let warned = sudo(argv.clone());
    assert!(warned[0].contains("allow_setuid"), "{warned:?}");
    let allowed = json!({"argv": ["sudo", "-n", "true"], "allow_setuid": true});
    assert!(sudo(allowed).is_empty());
}
