//! What a tool may use.

use dotwrap_invoke::CallOutcome;
use serde_json::json;

use crate::support::{Case, failure, printed};

#[tokio::test]
async fn endless_output_is_stopped() {
    let case = Case::script("yes", json!({"limits": {"stdout_bytes": 1_000_000}}));
    let answer = case.run().await;
    assert_eq!(failure(&answer).code, "output_too_large");
    assert!(failure(&answer).outcome_unknown);
    assert_eq!(
        answer.evidence["limits"]["limit_reached"],
        json!(["stdout_bytes"])
    );
    assert_eq!(answer.evidence["stdout"]["bytes"], json!(1_000_000));
    assert_eq!(answer.evidence["stdout"]["digest"], json!(null));
    assert_eq!(case.file("stdout").len(), 1_000_000);
}

#[tokio::test]
async fn output_of_just_the_limit_is_whole() {
    for (bytes, ends) in [(1000, true), (1001, false)] {
        let script = format!("head -c {bytes} /dev/zero");
        let case = Case::script(&script, json!({"limits": {"stdout_bytes": 1000}}));
        let answer = case.run().await;
        assert_eq!(answer.ending == CallOutcome::Completed, ends, "{bytes}");
        if !ends {
            assert_eq!(failure(&answer).code, "output_too_large");
        }
    }
}

#[tokio::test]
async fn endless_complaints_are_read_and_dropped() {
    let script = "head -c 5000000 /dev/zero | tr '\\0' x >&2; echo done";
    let case = Case::script(script, json!({"limits": {"stderr_bytes": 1000}}));
    let answer = case.run().await;
    assert_eq!(printed(&answer), "done\n");
    assert_eq!(answer.evidence["stderr"]["bytes"], json!(5_000_000));
    assert_eq!(answer.evidence["stderr"]["kept_bytes"], json!(1000));
    assert_eq!(case.file("stderr").len(), 1000);
}

#[tokio::test]
async fn a_file_can_not_grow_beyond_the_limit() {
    let limits = json!({"output": "file", "limits": {"output_bytes": 100_000}});
    let case = Case::script(
        "exec head -c 1000000 /dev/zero >$DOT_OUTPUT",
        limits.clone(),
    );
    assert_eq!(failure(&case.run().await).code, "output_too_large");
    assert!(case.file("output").len() <= 100_000);

    let many =
        "mkdir $DOT_OUTPUT; for n in 1 2 3; do head -c 50000 /dev/zero >$DOT_OUTPUT/$n; done";
    let case = Case::script(many, limits);
    assert_eq!(failure(&case.run().await).code, "output_too_large");
}

#[tokio::test]
async fn memory_files_and_core_dumps_are_limited() {
    let case = Case::script(
        "ulimit -v; ulimit -n; ulimit -c",
        json!({"limits": {"memory_bytes": 512_000_000, "open_files": 20}}),
    );
    assert_eq!(printed(&case.run().await), "500000\n20\n0\n");

    let hungry = "head -c 400000000 /dev/zero | tail -c 400000000 >/dev/null";
    let case = Case::script(hungry, json!({"limits": {"memory_bytes": 100_000_000}}));
    assert_eq!(failure(&case.run().await).code, "exit_status");
}

#[tokio::test]
async fn processor_time_is_limited() {
    let case = Case::script("while :; do :; done", json!({"limits": {"cpu_seconds": 1}}));
    let answer = case.run().await;
    assert_eq!(failure(&answer).code, "cpu_limit");
}

#[tokio::test]
async fn processes_are_limited_even_for_root() {
    let script = "while :; do sleep 1000 & done";
    let case = Case::script(
        script,
        json!({"limits": {"processes": 20, "grace_ms": 100}}),
    );
    let answer = case.run().await;
    let code = failure(&answer).code;
    // The kernel's own limit makes the shell give up; without it the supervisor ends it.
    let is_root = nix::unistd::Uid::effective().is_root();
    assert_eq!(
        code,
        if is_root {
            "too_many_processes"
        } else {
            "exit_status"
        }
    );
    let not_enforced = answer.evidence["limits"]["not_enforced"].to_string();
    assert_eq!(not_enforced.contains("root"), is_root, "{not_enforced}");
    assert!(!answer.evidence.contains_key("unkilled_processes"));
    if is_root {
        let told = answer.evidence["signals_sent"].to_string();
        assert!(
            !told.contains("SIGTERM"),
            "grace is time to become more: {told}"
        );
    }
}
