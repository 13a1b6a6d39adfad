//! What is refused before a receipt is opened.

use dotwrap_invoke::{Invoker, Mode, UnsupportedContract};
use dotwrap_invoke_agent_api::{AgentApiInvoker, Settings, SetupError};
use dotwrap_types::Contract;
use serde_json::{Value as Json, json};

use crate::support::{TOKEN, TOKEN_VARIABLE, contract};

fn invoker(allowed: &str) -> AgentApiInvoker {
    AgentApiInvoker::new(Settings {
        allowed_hosts: allowed.parse().unwrap(),
        environment: |name| (name == TOKEN_VARIABLE).then(|| TOKEN.into()),
        ..Settings::default()
    })
    .unwrap()
}

fn refusal(contract: &Contract) -> UnsupportedContract {
    invoker("example.com")
        .check(contract, Mode::DryRun)
        .unwrap_err()
}

fn invoked_with(invocation: Json) -> Contract {
    let mut contract = contract("https://example.com/");
    contract.invocation = invocation;
    contract
}

#[test]
fn as_shipped_no_host_is_allowed_and_the_hint_says_how() {
    let invoker = AgentApiInvoker::new(Settings::default()).unwrap();
    for (endpoint, place) in [
        (
            "https://agents.example.com/explain",
            "agents.example.com:443",
        ),
        ("https://127.0.0.1:8443/", "127.0.0.1:8443"),
        ("https://[::1]/", "[::1]:443"),
    ] {
        let refused = invoker
            .check(&contract(endpoint), Mode::DryRun)
            .unwrap_err();
        assert_eq!(refused.code, "host_not_allowed");
        assert!(refused.is_local, "another machine may allow the host");
        let hint = refused.hint.unwrap();
        for way in ["agent_hosts", "DOTWRAP_AGENT_HOSTS", "--agent-host", place] {
            assert!(hint.contains(way), "{hint}");
        }
    }
}

#[test]
fn host_allowlist_normalises_spelling() {
    let invoker = invoker("example.com, 127.0.0.1:443");
    for endpoint in [
        "https://EXAMPLE.com/",
        "https://example.com:8443/x?y",
        "https://127.0.0.1/",
        "https://0x7f.1/",
    ] {
        invoker.check(&contract(endpoint), Mode::DryRun).unwrap();
    }
    for endpoint in [
        "https://example.com.evil.org/",
        "https://evil.org/example.com",
        "https://evil.org?@example.com",
        "https://127.0.0.1:8443/",
        "https://127.0.0.2/",
    ] {
        let refused = invoker
            .check(&contract(endpoint), Mode::DryRun)
            .unwrap_err();
        assert_eq!(refused.code, "host_not_allowed", "{endpoint}");
    }
}

#[test]
fn an_endpoint_that_is_no_plain_https_address_is_refused() {
    for endpoint in [
        "http://example.com/",
        "https:example.com",
        "HTTPS://example.com/",
        "https://",
        "https://user:password@example.com/",
        "https://@example.com/",
        "https://example.com\\@evil.org/",
        "https://exam\tple.com/",
        " https://example.com/",
        "https://example.com/#fragment",
        "command:true",
    ] {
        let refused = refusal(&contract(endpoint));
        assert_eq!(refused.code, "endpoint_invalid", "{endpoint}");
        assert!(!refused.message.contains("password"));
    }
    let missing = {
        let mut contract = contract("");
        contract.endpoint_ref = None;
        contract
    };
    assert_eq!(refusal(&missing).code, "endpoint_invalid");
}

#[test]
fn an_invocation_with_anything_unknown_is_refused() {
    for invocation in [
        json!({"argv": []}),
        json!({"headers": {}}),
        json!({"max_response_bytes": 0}),
        json!({"max_response_bytes": "1"}),
        json!({"max_response_bytes": 1u64 << 40}),
        json!({"token_environment": 1}),
        json!({"token_environment": "not a name"}),
        json!([]),
        json!("x"),
    ] {
        let refused = refusal(&invoked_with(invocation.clone()));
        assert_eq!(refused.code, "invocation_invalid", "{invocation}");
    }
    for invocation in [
        json!(null),
        json!({}),
        json!({"max_response_bytes": 1, "token_environment": TOKEN_VARIABLE}),
    ] {
        invoker("example.com")
            .check(&invoked_with(invocation), Mode::DryRun)
            .unwrap();
    }
}

#[test]
fn a_token_that_is_not_there_is_noticed_before_anything_is_called() {
    let refused = refusal(&invoked_with(json!({"token_environment": "NOT_SET"})));
    assert_eq!(refused.code, "token_missing");
    assert!(refused.message.contains("NOT_SET"));
}

#[test]
fn a_token_with_a_line_break_is_refused_and_not_shown() {
    let invoker = AgentApiInvoker::new(Settings {
        allowed_hosts: "example.com".parse().unwrap(),
        environment: |_| Some("hush\nX-Other: 1".into()),
        ..Settings::default()
    })
    .unwrap();
    let contract = invoked_with(json!({"token_environment": "ANY"}));
    let refused = invoker.check(&contract, Mode::DryRun).unwrap_err();
    assert_eq!(refused.code, "token_invalid");
    assert!(!format!("{refused:?}").contains("hush"));
}

#[test]
fn a_token_in_the_place_of_its_variable_s_name_is_not_shown() {
    let refused = refusal(&invoked_with(json!({"token_environment": "sk-abc.def"})));
    assert!(!format!("{refused:?}").contains("sk-abc"));
}

#[test]
fn below_a_real_run_a_namespace_is_needed() {
    let contract = {
        let mut contract = contract("https://example.com/");
        contract.output_namespace = None;
        contract
    };
    assert_eq!(refusal(&contract).code, "namespace_missing");
    invoker("example.com")
        .check(&contract, Mode::RealRun)
        .unwrap();
}

#[test]
fn a_file_without_authorities_is_an_error_at_once() {
    for path in ["/does/not/exist", "/dev/null"] {
        let settings = Settings {
            authority_files: vec![path.into()],
            ..Settings::default()
        };
        let error = AgentApiInvoker::new(settings).unwrap_err();
        assert!(matches!(error, SetupError::Authority { .. }), "{error:?}");
    }
}
