//! What a contract may say.

use dotwrap_invoke::AllowedHosts;
use dotwrap_invoke::{Invoker, Mode, UnsupportedContract};
use dotwrap_invoke_mcp::McpInvoker;
use dotwrap_supervisor::Supervisor;
use serde_json::{Value as Json, json};

use crate::world::{PROBE, contract};

fn check(endpoint_ref: &str, invocation: Json) -> Result<(), UnsupportedContract> {
    let hosts = AllowedHosts::from_entries(["kg.example"]).unwrap();
    let invoker = McpInvoker::new(Supervisor::with_executable(PROBE), hosts);
    invoker.check(&contract(endpoint_ref, invocation), Mode::DryRun)
}

fn program() -> String {
    format!("mcp:{PROBE}")
}

const SERVICE: &str = "mcp:https://kg.example/mcp";

#[test]
fn what_is_understood_is_accepted() {
    for (endpoint_ref, invocation) in [
        (program(), json!({"tool": "explain"})),
        (
            program(),
            json!({
                "tool": "explain", "arguments": {"node": "{input}", "to": "{output}"}, "argv": ["mcp-probe", "--port={folder}"],
                "environment": ["KG"], "variables": {"A": "{mode}"}, "paths": {"read": ["/"], "write": ["{folder}"]},
                "limits": {"processes": 3}, "max_response_bytes": 1,
            }),
        ),
        (
            SERVICE.to_owned(),
            json!({"tool": "explain", "arguments": {"a": ["{namespace}"]}, "token_environment": "PATH"}),
        ),
    ] {
        assert_eq!(
            check(&endpoint_ref, invocation.clone()),
            Ok(()),
            "{invocation}"
        );
    }
}

#[test]
fn what_is_not_understood_is_refused() {
    let program = program();
    for (endpoint_ref, invocation) in [
        (program.as_str(), json!({})),
        (&program, json!({"tool": ""})),
        (&program, json!({"tool": 1})),
        (&program, json!({"tool": "a", "tools": "b"})),
        (&program, json!({"tool": "a", "arguments": []})),
        (
            &program,
            json!({"tool": "a", "arguments": {"b": "{nothing}"}}),
        ),
        (&program, json!({"tool": "a", "arguments": {"b": ["{"]}})),
        (
            &program,
            json!({"tool": "a", "arguments": {"b": "{output_body}"}}),
        ),
        (
            &program,
            json!({"tool": "a", "arguments": {"b": "{fixture_body}"}}),
        ),
        (&program, json!({"tool": "a", "argv": ["{output_digest}"]})),
        (&program, json!({"tool": "a", "argv": "--all"})),
        (
            &program,
            json!({"tool": "a", "variables": {"DOT_CODE": "x"}}),
        ),
        (&program, json!({"tool": "a", "environment": ["A=B"]})),
        (&program, json!({"tool": "a", "limits": {"nothing": 1}})),
        (&program, json!({"tool": "a", "paths": {"execute": []}})),
        (&program, json!({"tool": "a", "max_response_bytes": 0})),
        (
            &program,
            json!({"tool": "a", "limits": {"grace_ms": 60_001}}),
        ),
        (&program, json!({"tool": "a", "token_environment": "PATH"})),
        (SERVICE, json!({"tool": "a", "argv": []})),
        (SERVICE, json!({"tool": "a", "headers": {}})),
    ] {
        let refused = check(endpoint_ref, invocation.clone()).unwrap_err();
        assert_eq!(refused.code, "invocation_invalid", "{invocation}");
    }
}

#[test]
fn an_answer_that_is_held_in_memory_has_a_highest_limit() {
    let highest = 256u64 << 20;
    let limited = |most: u64| check(SERVICE, json!({"tool": "a", "max_response_bytes": most}));
    limited(highest).unwrap();
    for most in [highest + 1, u64::MAX] {
        let refused = limited(most).unwrap_err();
        assert_eq!(refused.code, "invocation_invalid");
        assert!(refused.message.contains("max_response_bytes"), "{refused}");
    }
}

#[test]
fn a_host_that_nobody_allowed_is_refused() {
    for address in [
        "mcp:https://other.example/mcp",
        "mcp:https://kg.example.evil/mcp",
        "mcp:https://127.0.0.1/mcp",
    ] {
        let refused = check(address, json!({"tool": "a"})).unwrap_err();
        assert_eq!(refused.code, "host_not_allowed", "{address}");
        assert!(refused.hint.is_some());
        assert!(refused.is_local, "another machine may allow the host");
    }
}

#[test]
fn what_is_no_endpoint_or_not_there_is_refused() {
    for (address, code) in [
        ("mcp:http://kg.example/mcp", "endpoint_invalid"),
        ("mcp:bin/server", "endpoint_invalid"),
        ("command:tar", "endpoint_invalid"),
        ("mcp:/nothing/there", "program_missing"),
        ("mcp:no-such-program-anywhere", "program_missing"),
    ] {
        let refused = check(address, json!({"tool": "a"})).unwrap_err();
        assert_eq!(refused.code, code, "{address}");
    }
}

#[test]
fn a_token_that_is_not_there_is_refused() {
    let invocation = json!({"tool": "a", "token_environment": "NO_SUCH_VARIABLE_ANYWHERE"});
    assert_eq!(
        check(SERVICE, invocation).unwrap_err().code,
        "token_missing"
    );
}
