//! What a tool is given: little.

use std::{collections::BTreeMap, fs::File};

use dotwrap_invoke::CallOutcome;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use serde_json::json;

use crate::support::{Case, failure, printed};

fn variables(printed: &str) -> BTreeMap<&str, &str> {
    printed
        .lines()
        .filter_map(|line| line.split_once('='))
        .collect()
}

#[tokio::test]
async fn nothing_of_the_runner_s_environment_gets_in() {
    let case = Case::new("command:env", json!({"argv": []})).input("in put");
    let printed = printed(&case.run().await);
    let variables = variables(&printed);
    let names: Vec<&str> = variables.keys().copied().collect();
    assert_eq!(
        names,
        [
            "DOT_CODE",
            "DOT_CORRELATION_ID",
            "DOT_INPUT",
            "DOT_MODE",
            "DOT_NAMESPACE",
            "DOT_OUTPUT",
            "DOT_PROCESS_RUN_ID",
            "DOT_SUPERVISION",
            "HOME",
            "LANG",
            "LC_ALL",
            "PATH",
            "TMPDIR",
        ]
    );
    let folder = case.call.folder.to_str().unwrap();
    assert!(variables["HOME"].starts_with(folder));
    assert!(variables["TMPDIR"].starts_with(folder));
    assert!(variables["PATH"].starts_with("/usr/local/sbin:"));
    assert_eq!(variables["DOT_INPUT"], "in put");
    assert_eq!(variables["DOT_OUTPUT"], format!("{folder}/output"));
    assert_eq!(variables["DOT_MODE"], "DRY_RUN");
}

#[tokio::test]
async fn what_the_contract_names_is_copied_and_nothing_else() {
    // Set by cargo for every test.
    let named = "CARGO_PKG_NAME";
    let case = Case::new(
        "command:env",
        json!({"argv": [], "environment": [named, "NOT_SET_ANYWHERE"], "variables": {"LC_ALL": "C", "IN": "{mode}"}}),
    );
    let answer = case.run().await;
    let text = printed(&answer);
    let variables = variables(&text);
    assert_eq!(variables[named], "dotwrap-invoke-command");
    assert_eq!((variables["LC_ALL"], variables["IN"]), ("C", "DRY_RUN"));
    assert!(!variables.contains_key("CARGO_MANIFEST_DIR"));
    assert_eq!(
        answer.evidence["environment_missing"],
        json!(["NOT_SET_ANYWHERE"])
    );
    let evidence = serde_json::to_string(&answer.evidence).unwrap();
    assert!(!evidence.contains("dotwrap-invoke-command\""), "{evidence}");
}

#[tokio::test]
async fn a_verifier_is_told_what_to_look_at() {
    let case = Case::verifier(
        r#"test "$(cat "$DOT_OUTPUT")" = made && printf %s "$DOT_OUTPUT_DIGEST""#,
        json!({}),
    );
    let produced = case.call.produced.clone().unwrap();
    assert_eq!(
        printed(&case.run().await),
        produced.committed_digest.to_string()
    );
}

#[tokio::test]
async fn open_files_are_not_inherited() {
    let open = File::open("/etc/passwd").unwrap();
    fcntl(&open, FcntlArg::F_SETFD(FdFlag::empty())).unwrap();
    let case = Case::script(
        "for one in /proc/$$/fd/*; do readlink $one; done; true",
        json!({}),
    );
    let text = printed(&case.run().await);
    assert!(!text.contains("passwd"), "{text}");
    assert_eq!(text.lines().count(), 3, "{text}");
    drop(open);
}

#[tokio::test]
async fn the_working_folder_is_the_call_s_own() {
    let case = Case::script(
        "pwd; touch here; id -u >/dev/null; umask >/dev/null",
        json!({}),
    );
    let text = printed(&case.run().await);
    assert_eq!(text.trim(), case.call.folder.join("work").to_str().unwrap());
    assert!(case.call.folder.join("work/here").exists());
}

#[tokio::test]
async fn standard_input_is_empty_or_the_named_file() {
    assert_eq!(
        printed(&Case::script("cat; echo end", json!({})).run().await),
        "end\n"
    );
    let case = Case::verifier("cat", json!({"stdin": "{output}"}));
    assert_eq!(printed(&case.run().await), "made");
    let case = Case::script("cat", json!({"stdin": "{folder}"}));
    assert!(
        matches!(case.run().await.ending, CallOutcome::Failed(failure) if failure.code == "stdin_unusable")
    );
}

/// Its variables are the tool's alone: what starts the tool is not in the sandbox yet.
#[tokio::test]
#[cfg(all(target_os = "linux", target_env = "gnu"))]
async fn the_launcher_does_not_obey_the_tool_s_variables() {
    let variables = json!({"variables": {"LD_PRELOAD": "/nowhere/preloaded.so"}});
    let case = Case::script("true", variables);
    assert_eq!(case.run().await.ending, CallOutcome::Completed);
    let complaints = case.file("stderr");
    assert_eq!(
        complaints.matches("preloaded.so").count(),
        1,
        "{complaints}"
    );
}

#[tokio::test]
async fn a_large_environment_arrives_whole() {
    let large: BTreeMap<String, String> = (0..20)
        .map(|number| (format!("LARGE_{number}"), "x".repeat(10_000)))
        .collect();
    let case = Case::new("command:env", json!({"argv": [], "variables": large}));
    let printed = printed(&case.run().await);
    let variables = variables(&printed);
    assert!(
        large
            .iter()
            .all(|(name, value)| variables[name.as_str()] == value)
    );
}

#[tokio::test]
async fn a_folder_that_was_used_before_is_named() {
    let case = Case::script("true", json!({}));
    let used = case.call.folder.join("work");
    std::fs::create_dir(&used).unwrap();
    let answer = case.run().await;
    let failure = failure(&answer);
    assert_eq!(failure.code, "folder_unusable");
    let names_it = failure.message.contains(used.to_str().unwrap());
    assert!(names_it, "{}", failure.message);
}
