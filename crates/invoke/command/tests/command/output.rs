//! What counts as output, and what of it is believed.

use std::{cell::Cell, time::Duration};

use dotwrap_invoke::{CallOutcome, Digest, Output, StopHandle, StopReason};
use serde_json::json;
use tokio::time::Instant;

use crate::support::{Case, WAIT_LIMIT, failure, printed, wait_until_gone};

const TO_FILE: &str = "file";

#[tokio::test]
async fn the_whole_of_what_is_printed_is_kept_and_digested() {
    let case = Case::script("seq 1 200000", json!({}));
    let answer = case.run().await;
    let text = printed(&answer);
    assert_eq!(text.lines().count(), 200_000);
    assert_eq!(
        answer.evidence["stdout"]["digest"],
        json!(Digest::of(&text).to_string())
    );
    assert_eq!(answer.evidence["stdout"]["bytes"], json!(text.len()));
}

#[tokio::test]
async fn a_file_or_a_folder_in_the_output_s_place_is_the_output() {
    let case = Case::new(
        "command:sh",
        json!({"argv": ["-c", "printf made >$0; echo said", "{output}"]}),
    );
    let answer = case.run().await;
    let output = answer.output.clone().unwrap();
    assert_eq!((output.digest, output.size), (Digest::of("made"), 4));
    assert_eq!(case.file("stdout"), "said\n");

    let case = Case::script(
        "mkdir $DOT_OUTPUT; echo x >$DOT_OUTPUT/a",
        json!({"output": TO_FILE}),
    );
    let output = case.run().await.output.unwrap();
    assert_eq!(
        output,
        Output::of(&case.call.folder.join("output")).unwrap()
    );
}

#[tokio::test]
async fn a_producer_that_left_nothing_has_not_done_it() {
    let case = Case::script("true", json!({"output": TO_FILE}));
    assert_eq!(failure(&case.run().await).code, "output_missing");
}

#[tokio::test]
async fn a_link_or_a_pipe_is_no_output() {
    for script in ["ln -s /etc/passwd $DOT_OUTPUT", "mkfifo $DOT_OUTPUT"] {
        let case = Case::script(script, json!({"output": TO_FILE}));
        let answer = case.run().await;
        let failed = failure(&answer);
        assert_eq!(failed.code, "output_unusable", "{script}");
        let output = case.call.folder.join("output");
        assert!(
            failed.message.contains(output.to_str().unwrap()),
            "{}",
            failed.message
        );
    }
}

#[tokio::test]
async fn sockets_and_pipes_in_an_output_are_digested_by_kind_and_name() {
    let script = "mkdir $DOT_OUTPUT; mkfifo $DOT_OUTPUT/pipe; echo x >$DOT_OUTPUT/file";
    let case = Case::script(script, json!({"output": TO_FILE}));
    let answer = case.run().await;
    assert_eq!(answer.ending, CallOutcome::Completed);
    assert_eq!(answer.output.unwrap().size, 2);
    assert_eq!(answer.evidence["output_special_entries"], 1);
}

#[tokio::test]
async fn the_reading_of_an_output_says_how_far_it_is() {
    let script = "head -c 1000000 /dev/zero >$DOT_OUTPUT";
    let case = Case::script(script, json!({"output": TO_FILE}));
    case.run().await;
    assert!(case.call.reading.bytes() >= 1_000_000);
}

#[tokio::test]
async fn an_output_is_compared_with_the_last_verified_one() {
    let size_rule = |verified, on: &str| {
        let rules = json!({"min_ratio": 0.5, "on": on});
        let mut case = Case::script("printf 12345", json!({"output_rules": rules}));
        case.call.verified_bytes = verified;
        case
    };
    for (verified, is_small) in [
        (None, false),
        (Some(10), false),
        (Some(11), true),
        (Some(0), false),
    ] {
        let answer = size_rule(verified, "fail").run().await;
        let failed = answer.ending != CallOutcome::Completed;
        assert_eq!(failed, is_small, "{verified:?}");
        if failed {
            assert_eq!(failure(&answer).code, "output_too_small");
            assert!(failure(&answer).message.contains("min_ratio"));
        }
        let warned = size_rule(verified, "warn").run().await;
        assert_eq!(warned.ending, CallOutcome::Completed);
        assert_eq!(warned.evidence.contains_key("warnings"), is_small);
    }
}

#[tokio::test]
async fn a_producer_s_exit_status_is_believed_when_it_is_bad() {
    let case = Case::script("echo done >$DOT_OUTPUT; exit 3", json!({"output": TO_FILE}));
    let answer = case.run().await;
    assert_eq!(failure(&answer).code, "exit_status");
    assert_eq!(answer.evidence["exit_status"], json!(3));
    assert!(answer.output.is_none());

    let case = Case::script("exit 1", json!({"success_exit": [0, 1]}));
    assert_eq!(case.run().await.ending, CallOutcome::Completed);
}

#[tokio::test]
async fn a_tool_that_changes_the_file_of_what_it_printed_is_caught() {
    let script = "echo one; while ! test -s ../stdout; do :; done; echo two >../stdout";
    let case = Case::script(script, json!({}));
    assert_eq!(failure(&case.run().await).code, "output_tampered");
    let case = Case::script("rm ../stdout; echo x >../stdout; echo x", json!({}));
    // The same words in another file are the same output: what is recorded is what is there.
    assert_eq!(case.run().await.ending, CallOutcome::Completed);
}

#[tokio::test]
async fn a_mock_that_says_so_is_believed() {
    for (said, is_mock) in [
        (r#"{"is_mock": true}"#, true),
        (r#"{"is_mock": "perhaps"}"#, true),
        (r#"{"is_mock": null}"#, true),
        (r#"{"is_mock": false}"#, false),
        (r#"{"other": true}"#, false),
        (r#"[{"is_mock": true}]"#, true),
        (r#"{"result": {"Is_Mock": 1}}"#, true),
        (r#"{"result": {"is_mock": false}}"#, false),
        (r#"{"is_mock": true, "is_mock": false}"#, true),
        (r#"{"is_mock": true} and more"#, true),
        ("{\"is_mock\": true}\n{}", true),
        ("done\n{\"is_mock\": true}", true),
        ("\u{feff}{\"is_mock\": true}", true),
        ("is_mock: true", false),
    ] {
        let case = Case::script(&format!("echo '{said}'"), json!({}));
        assert_eq!(case.run().await.is_mock, is_mock, "{said}");
        let case = Case::script(
            &format!("echo '{said}' >$DOT_OUTPUT"),
            json!({"output": TO_FILE}),
        );
        assert_eq!(case.run().await.is_mock, is_mock, "{said}");
        let case = Case::verifier(&format!("echo '{said}'"), json!({}));
        assert_eq!(case.run().await.is_mock, is_mock, "{said}");
    }
}

#[tokio::test]
async fn mock_reported_beside_the_output_file_counts() {
    let case = Case::script(
        r#"echo made >$DOT_OUTPUT; echo '{"is_mock": true}'"#,
        json!({"output": TO_FILE}),
    );
    assert!(case.run().await.is_mock);
}

#[tokio::test]
async fn evidence_says_what_was_searched_for_mocks() {
    const LIMIT: u64 = 64 << 20;
    for (script, searched, is_complete, is_mock) in [
        (
            r#"echo '{"is_mock": true}' >$DOT_OUTPUT"#,
            "document",
            true,
            true,
        ),
        (
            r#"echo '{"made": true}' >$DOT_OUTPUT"#,
            "document",
            true,
            false,
        ),
        ("printf 'done\n{}\n' >$DOT_OUTPUT", "last_line", true, false),
        ("echo done >$DOT_OUTPUT", "nothing", true, false),
        (
            "mkdir $DOT_OUTPUT; echo '[]' >$DOT_OUTPUT/a",
            "nothing",
            true,
            false,
        ),
        // A document that is still open where the search ends is not one that was searched.
        (
            r#"printf '{"a": 1' >$DOT_OUTPUT; truncate -s 65M $DOT_OUTPUT; printf ', "is_mock": true}' >>$DOT_OUTPUT"#,
            "document",
            false,
            false,
        ),
        // Nobody saw where its last line begins.
        (
            "echo done >$DOT_OUTPUT; truncate -s 17M $DOT_OUTPUT; echo end >>$DOT_OUTPUT",
            "nothing",
            false,
            false,
        ),
    ] {
        let answer = Case::script(script, json!({"output": TO_FILE})).run().await;
        let search = &answer.evidence["is_mock_search"];
        let expected = json!({"searched": searched, "limit_bytes": LIMIT, "complete": is_complete});
        assert_eq!(search["output"], expected, "{script}");
        assert_eq!(search["stdout"]["searched"], "nothing", "{script}");
        assert_eq!(answer.is_mock, is_mock, "{script}");
    }
    // The whole of what a verifier prints is read.
    let verifier = Case::verifier("echo done", json!({}));
    assert_eq!(verifier.run().await.evidence.get("is_mock_search"), None);
}

/// Terabytes of holes are read for minutes. A stop ends that, and the thread that reads with it.
#[tokio::test]
async fn stop_ends_the_reading_of_an_endless_output() {
    const A_TERABYTE: u64 = 1 << 40;
    let case = Case::script(
        "truncate -s 1T $DOT_OUTPUT; echo $$ >ended",
        json!({"output": TO_FILE, "limits": {"output_bytes": 2 * A_TERABYTE}}),
    );
    let (handle, stop) = StopHandle::new();
    let stopping = async {
        let process = case.process_in("ended").await;
        wait_until_gone(process).await;
        while readers() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        handle.stop(StopReason::GateClosed);
    };
    let (answer, ()) = tokio::join!(case.run_until(stop), stopping);
    let CallOutcome::Stopped(record) = &answer.ending else {
        panic!("{answer:?}");
    };
    assert_eq!(record.reason, StopReason::GateClosed);
    assert_eq!(answer.output, None);
    let none_left = async {
        while readers() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(WAIT_LIMIT, none_left).await.unwrap();
}

/// Threads of this process that have a file of a terabyte open.
fn readers() -> usize {
    let open = std::fs::read_dir("/proc/self/fd").unwrap();
    open.flatten()
        .filter_map(|entry| std::fs::metadata(entry.path()).ok())
        .filter(|file| file.is_file() && file.len() == 1 << 40)
        .count()
}

#[tokio::test]
async fn a_producer_can_not_choose_its_output_s_digest() {
    let lie = Digest::of("something else");
    let case = Case::script(
        &format!("echo '{{\"output_digest\": \"{lie}\"}}'"),
        json!({}),
    );
    let answer = case.run().await;
    assert_ne!(answer.output.unwrap().digest, lie);
    assert_eq!(answer.verified_digest, None);
}

/// The reason names the empty HOME only where the tool complained about what programs look for there.
#[tokio::test]
async fn home_is_hinted_at_only_if_stderr_mentions_it() {
    for (complaint, is_hinted) in [
        ("cannot read ~/.config/tool: No such file", true),
        ("no private KEY found", true),
        ("disk is full", false),
    ] {
        let case = Case::script(&format!("echo '{complaint}' >&2; exit 3"), json!({}));
        let answer = case.run().await;
        let failure = failure(&answer);
        assert_eq!(failure.code, "exit_status");
        assert_eq!(
            failure.message.contains("HOME"),
            is_hinted,
            "{complaint}: {}",
            failure.message
        );
        assert!(!failure.message.contains(complaint), "{failure:?}");
    }
}

#[tokio::test]
async fn stderr_is_not_in_evidence() {
    let case = Case::script(
        // Its arguments are in the evidence.
        "echo secret''-in-stderr >&2; echo secret''-in-stdout",
        json!({}),
    );
    let answer = case.run().await;
    assert_eq!(case.file("stderr"), "secret-in-stderr\n");
    assert_eq!(answer.evidence["stderr"]["bytes"], json!(17));
    assert!(!format!("{answer:?}").contains("secret-in"));
}

/// Whoever renews a lease or hears of a closed gate shares the thread. The time is compared with itself, and not with a
/// clock: on a busy machine both get longer.
#[tokio::test]
async fn reading_a_long_output_leaves_time_for_others() {
    let script = "head -c 40000000 /dev/zero >$DOT_OUTPUT";
    let case = Case::script(script, json!({"output": TO_FILE}));
    let began = Instant::now();
    let (longest, last) = (Cell::new(Duration::ZERO), Cell::new(began));
    let note = || {
        longest.set(longest.get().max(last.get().elapsed()));
        last.set(Instant::now());
    };
    let others = async {
        loop {
            tokio::time::sleep(Duration::from_millis(5)).await;
            note();
        }
    };
    let answer = tokio::select! {
        answer = case.run() => answer,
        () = others => unreachable!("it ends with the call"),
    };
    note();
    let (longest, took) = (longest.get(), began.elapsed());
    assert_eq!(answer.ending, CallOutcome::Completed);
    assert!(longest < took / 2, "{longest:?} of {took:?}");
}
