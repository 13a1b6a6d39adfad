//! What is refused before anything is called.

use dotwrap_invoke::{Invoker, Mode, UnsupportedContract};
use serde_json::{Value as Json, json};

use crate::support::{Case, invoker};

fn refused(case: &Case) -> UnsupportedContract {
    let checked = invoker().check(&case.call.contract, Mode::DryRun);
    match checked {
        Err(unusable) => unusable,
        Ok(()) => panic!("accepted: {}", case.call.contract.invocation),
    }
}

#[test]
fn what_is_not_understood_is_refused() {
    for invocation in [
        json!({}),
        json!({"argv": "sh -c true"}),
        json!({"argv": [], "arguments": []}),
        json!({"argv": [], "shell": true}),
        json!({"argv": [], "limits": {"memory": 1}}),
        json!({"argv": [], "limits": {"memory_bytes": -1}}),
        json!({"argv": [], "paths": {"execute": []}}),
        json!({"argv": [], "output": "folder"}),
        json!({"argv": ["{nothing}"]}),
        json!({"argv": ["{input"]}),
        json!({"argv": ["{fixture}"]}),
        json!({"argv": ["{output_digest}"]}),
        json!({"argv": [], "variables": {"X": "{nothing}"}}),
        json!({"argv": [], "stdin": "{nothing}"}),
        json!({"argv": [], "paths": {"write": ["{nothing}"]}}),
        json!({"argv": [], "paths": {"read": ["{nothing}"]}}),
        json!({"argv": ["a\u{0}b"]}),
        json!({"argv": [], "paths": {"write": ["/"]}}),
        json!({"argv": [], "paths": {"write": ["/tmp/./../.."]}}),
        json!({"argv": [], "paths": {"write": ["relative"]}}),
        json!({"argv": [], "paths": {"write": [""]}}),
        json!({"argv": [], "stdin": ""}),
        json!({"argv": [], "success_exit": []}),
        json!({"argv": [], "success_exit": [0, 256]}),
        json!({"argv": [], "success_exit": [-1]}),
        json!({"argv": [], "limits": {"processes": 0}}),
    ] {
        let refused = refused(&Case::new("command:sh", invocation.clone()));
        assert_eq!(refused.code, "invocation_invalid", "{invocation}");
    }
}

/// Or the evidence would say that a limit was set that was never in force.
#[test]
fn a_grace_beyond_the_longest_is_refused() {
    let with = |grace| Case::script("true", json!({"limits": {"grace_ms": grace}}));
    invoker()
        .check(&with(60_000).call.contract, Mode::DryRun)
        .unwrap();
    let refused = refused(&with(60_001));
    assert_eq!(refused.code, "invocation_invalid");
    for word in ["limits.grace_ms", "60001", "60000"] {
        assert!(refused.message.contains(word), "{}", refused.message);
    }
}

#[test]
fn what_the_call_says_can_not_be_said_by_the_contract() {
    for invocation in [
        json!({"argv": [], "variables": {"DOT_OUTPUT_DIGEST": "sha256:00"}}),
        json!({"argv": [], "environment": ["DOT_MODE"]}),
        json!({"argv": [], "variables": {"A=B": ""}}),
        json!({"argv": [], "environment": [""]}),
    ] {
        let refused = refused(&Case::new("command:sh", invocation.clone()));
        assert_eq!(refused.code, "invocation_invalid", "{invocation}");
    }
}

#[test]
fn what_would_be_without_effect_is_refused() {
    for more in [json!({"pass_stdout": "ok"}), json!({"error_exit": [3]})] {
        assert_eq!(
            refused(&Case::script("true", more)).code,
            "invocation_invalid"
        );
    }
    let file = Case::verifier("true", json!({"output": "file"}));
    assert_eq!(refused(&file).code, "invocation_invalid");
}

#[test]
fn a_place_is_refused_where_the_contract_has_nothing_for_it() {
    for place in ["namespace", "candidate"] {
        let mut case = Case::new("command:sh", json!({"argv": [format!("{{{place}}}")]}));
        invoker().check(&case.call.contract, Mode::DryRun).unwrap();
        case.call.contract.output_namespace = None;
        case.call.contract.candidate_code = None;
        assert_eq!(refused(&case).code, "invocation_invalid", "{place}");
    }
}

#[test]
fn a_program_must_be_there() {
    for endpoint in [
        "command:no-such-program-here",
        "command:/no/such/program",
        "command:/etc/passwd",
    ] {
        let refused = refused(&Case::new(endpoint, json!({"argv": []})));
        assert_eq!(refused.code, "program_missing", "{endpoint}");
        assert!(refused.hint.is_some(), "{endpoint}");
    }
    for endpoint in [
        "command:",
        "command:./tool",
        "command:bin/tool",
        "https://host/",
        "sh",
    ] {
        let refused = refused(&Case::new(endpoint, json!({"argv": []})));
        assert_eq!(refused.code, "invocation_invalid", "{endpoint}");
    }
}

#[test]
fn everything_that_is_described_is_accepted() {
    let invocation: Json = json!({
        "argv": ["sh", "-c", "true", "{input}"],
        "environment": ["PGPASSFILE"],
        "variables": {"LC_ALL": "C", "WHERE": "{folder}"},
        "paths": {"read": ["{input}"], "write": ["/tmp"]},
        "output": "stdout",
        "stdin": "{output}",
        "success_exit": [0, 1],
        "error_exit": [2],
        "pass_stdout": "ok",
        "limits": {"stdout_bytes": 1, "stderr_bytes": 1, "output_bytes": 1, "memory_bytes": 1, "cpu_seconds": 1,
            "processes": 1, "open_files": 1, "grace_ms": 1}
    });
    let case = Case::verifier("true", invocation);
    invoker().check(&case.call.contract, Mode::DryRun).unwrap();
}
