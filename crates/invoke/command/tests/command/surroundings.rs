//! The tool's home, search path, time zone and variables, as the contract names them.

use dotwrap_invoke::{CallOutcome, Invoker, Mode};
use serde_json::{Value as Json, json};

use crate::support::{Case, invoker, printed};

/// What a script prints.
async fn output(script: &str, more: Json) -> String {
    let case = Case::script(script, more);
    let answer = case.run().await;
    assert_eq!(answer.ending, CallOutcome::Completed, "{answer:?}");
    printed(&answer)
}

#[tokio::test]
async fn home_is_an_empty_folder_or_the_runners() {
    let own = output("ls -A \"$HOME\" | wc -l; echo \"$HOME\"", json!({})).await;
    let home = std::env::var("HOME").unwrap();
    assert!(
        own.starts_with("0\n") && !own.contains(&format!("\n{home}\n")),
        "{own}"
    );
    let runners = output("echo \"$HOME\"", json!({"home": "runner"})).await;
    assert_eq!(runners.trim_end(), home);
}

#[tokio::test]
async fn folders_of_the_contract_come_first_in_the_search_path() {
    let folder = tempfile::tempdir().unwrap();
    let path = json!({"path": [folder.path()]});
    let found = output("echo \"$PATH\"", path).await;
    let expected = format!("{}:/usr/local/sbin", folder.path().display());
    assert!(found.starts_with(&expected), "{found}");
}

#[tokio::test]
async fn the_time_zone_is_the_contracts() {
    let script = "TZ_WAS=${TZ-none}; echo \"$TZ_WAS\"";
    assert_eq!(output(script, json!({})).await, "none\n");
    let berlin = json!({"time_zone": "Europe/Berlin"});
    assert_eq!(output(script, berlin).await, "Europe/Berlin\n");
}

#[test]
fn a_variable_that_the_runner_lacks_refuses_a_real_run() {
    let lacking = json!({"environment": ["PATH", "DOES_NOT_EXIST_HERE"]});
    let contract = Case::script("true", lacking).call.contract;
    let refused = invoker().check(&contract, Mode::RealRun).unwrap_err();
    assert_eq!(refused.code, "environment_missing");
    assert!(
        refused.message.contains("DOES_NOT_EXIST_HERE"),
        "{}",
        refused.message
    );
    assert!(!refused.message.contains("PATH"), "{}", refused.message);
    invoker().check(&contract, Mode::DryRun).unwrap();
    let optional = json!({"environment_optional": ["DOES_NOT_EXIST_HERE"]});
    let contract = Case::script("true", optional).call.contract;
    invoker().check(&contract, Mode::RealRun).unwrap();
}

#[test]
fn keys_that_no_call_can_use_are_refused() {
    for (more, named) in [
        (json!({"home": "elsewhere"}), "elsewhere"),
        (json!({"path": ["bin"]}), "path"),
        (json!({"path": ["/a:/b"]}), "path"),
        (json!({"time_zone": "Europe/Atlantis"}), "time_zone"),
        (json!({"environment_optional": ["A=B"]}), "A=B"),
        (json!({"warn_exit": [0]}), "warn_exit"),
        (json!({"warn_exit": [300]}), "warn_exit"),
        (json!({"output_rules": {"min_bytes": 0}}), "min_bytes"),
        (json!({"output_rules": {"smallest": 1}}), "smallest"),
        (json!({"pass_if": {"stdout": "x"}}), "pass_if"),
    ] {
        let contract = Case::script("true", more.clone()).call.contract;
        let refused = invoker().check_invocation(&contract).unwrap_err();
        assert_eq!(refused.code, "invocation_invalid");
        assert!(
            refused.message.contains(named),
            "{more}: {}",
            refused.message
        );
    }
    for (more, named) in [
        (json!({"pass_if": {"stdout": "("}}), "pass_if.stdout"),
        (json!({"fail_if": {}}), "fail_if"),
        (
            json!({"error_if": {"stdout": "(a{1000}){1000}"}}),
            "error_if.stdout",
        ),
        (json!({"warn_exit": [1]}), "warn_exit"),
        (json!({"output_rules": {"min_bytes": 1}}), "output_rules"),
    ] {
        let contract = Case::verifier("true", more.clone()).call.contract;
        let refused = invoker().check_invocation(&contract).unwrap_err();
        assert!(
            refused.message.contains(named),
            "{more}: {}",
            refused.message
        );
    }
}
