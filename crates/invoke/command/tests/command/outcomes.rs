//! What a producer's call came to: warnings, and rules for its output.

use dotwrap_invoke::CallOutcome;
use serde_json::{Value as Json, json};

use crate::support::{Case, failure, printed};

/// The codes of the warnings.
fn warnings(evidence: &serde_json::Map<String, Json>) -> Vec<&str> {
    let warnings = evidence.get("warnings").and_then(Json::as_array);
    let warnings = warnings.into_iter().flatten();
    warnings
        .map(|warning| {
            assert!(!warning["message"].as_str().unwrap().is_empty());
            warning["code"].as_str().unwrap()
        })
        .collect()
}

#[tokio::test]
async fn an_exit_status_that_warns_completes_the_call_with_a_warning() {
    let more = json!({"warn_exit": [1, 24]});
    for (exit, expected) in [(0, vec![]), (1, vec!["warn_exit"]), (24, vec!["warn_exit"])] {
        let case = Case::script(&format!("echo made; exit {exit}"), more.clone());
        let answer = case.run().await;
        assert_eq!(answer.ending, CallOutcome::Completed, "{exit}");
        assert_eq!(warnings(&answer.evidence), expected, "{exit}");
        assert_eq!(printed(&answer), "made\n");
    }
    let answer = Case::script("exit 2", more).run().await;
    assert_eq!(failure(&answer).code, "exit_status");
}

#[tokio::test]
async fn an_output_that_is_too_small_fails_or_warns() {
    let rule = |rules: Json| json!({"output_rules": rules});
    let small = Case::script("echo x", rule(json!({"min_bytes": 3})));
    assert_eq!(failure(&small.run().await).code, "output_too_small");
    let enough = Case::script("echo xx", rule(json!({"min_bytes": 3})));
    let answer = enough.run().await;
    assert_eq!(answer.ending, CallOutcome::Completed);
    assert!(warnings(&answer.evidence).is_empty());
    let warns = Case::script("echo x", rule(json!({"min_bytes": 3, "on": "warn"})));
    let answer = warns.run().await;
    assert_eq!(answer.ending, CallOutcome::Completed);
    assert_eq!(warnings(&answer.evidence), ["output_too_small"]);
}

#[tokio::test]
async fn what_a_call_left_running_and_a_limit_that_a_shell_hides_are_warnings() {
    let answer = Case::script("sleep 1000 & echo made", json!({}))
        .run()
        .await;
    assert_eq!(warnings(&answer.evidence), ["leftover_processes"]);
    let script = "sh -c 'head -c 100000 /dev/zero > \"$TMPDIR/x\"'; exit $?";
    let limited = json!({"limits": {"output_bytes": 1000}});
    let answer = Case::script(script, limited).run().await;
    assert_eq!(failure(&answer).code, "exit_status");
    assert_eq!(warnings(&answer.evidence), ["limit_reached"]);
    assert_eq!(
        answer.evidence["limits"]["limit_reached"],
        json!(["output_bytes"])
    );
}

#[tokio::test]
async fn failure_that_speaks_of_a_configuration_names_the_empty_home() {
    let complains = "echo 'no configuration found' >&2; exit 1";
    for (script, own, named) in [
        (complains, json!({}), true),
        (complains, json!({"home": "runner"}), false),
        ("exit 1", json!({}), false),
    ] {
        let answer = Case::script(script, own).run().await;
        let message = &failure(&answer).message;
        assert_eq!(message.contains("HOME"), named, "{answer:?}");
    }
}
