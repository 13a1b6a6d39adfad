//! What the evidence says of what exactly ran: arguments, the program's file, the input's.

use std::fs;

use dotwrap_invoke::Digest;
use dotwrap_supervisor::SearchPath;
use serde_json::{Value as Json, json};

use crate::support::{Case, failure, printed};

fn hex(bytes: impl AsRef<[u8]>) -> Json {
    json!(Digest::of(bytes).to_hex())
}

#[tokio::test]
async fn evidence_names_arguments_program_and_input() {
    let case = Case::script("cat", json!({"stdin": "{input}"}));
    let input = case.outside().join("input");
    fs::write(&input, "what it is given").unwrap();
    let case = case.input(input.to_str().unwrap());
    let answer = case.run().await;
    assert_eq!(printed(&answer), "what it is given");
    assert_eq!(answer.evidence["argv"], json!(["sh", "-c", "cat"]));
    let program = SearchPath::of_system().find("sh").unwrap();
    let program = fs::read(program).unwrap();
    assert_eq!(answer.evidence["program_sha256"], hex(program));
    assert_eq!(answer.evidence["input_sha256"], hex("what it is given"));
}

#[tokio::test]
async fn failed_call_has_them_too() {
    let case = Case::script("exit 3", json!({}));
    let input = case.outside().join("input");
    fs::write(&input, "x").unwrap();
    let answer = case.input(input.to_str().unwrap()).run().await;
    assert_eq!(failure(&answer).code, "exit_status");
    assert_eq!(answer.evidence["input_sha256"], hex("x"));
    assert!(answer.evidence.contains_key("program_sha256"));
}

/// Keys of the evidence about the input, for an input of four bytes.
async fn about_input(more: Json) -> (Option<Json>, Option<Json>) {
    let case = Case::script("true", more);
    let input = case.outside().join("input");
    fs::write(&input, "four").unwrap();
    let answer = case.input(input.to_str().unwrap()).run().await;
    let key = |name: &str| answer.evidence.get(name).cloned();
    (key("input_sha256"), key("input_not_digested"))
}

#[tokio::test]
async fn contract_says_how_long_an_input_is_digested() {
    let digested = (Some(hex("four")), None);
    assert_eq!(
        about_input(json!({"digest_input_bytes": 4})).await,
        digested
    );
    let too_large = (None, Some(json!("too_large")));
    assert_eq!(
        about_input(json!({"digest_input_bytes": 3})).await,
        too_large
    );
    assert_eq!(
        about_input(json!({"digest_input_bytes": 0})).await,
        (None, None)
    );
}

#[tokio::test]
async fn what_is_no_file_is_not_digested() {
    let folder = tempfile::tempdir().unwrap();
    for input in [folder.path().to_str().unwrap(), "/no/such/file", "a name"] {
        let answer = Case::script("true", json!({})).input(input).run().await;
        let is_about_input = |key: &&String| key.starts_with("input_");
        assert_eq!(answer.evidence.keys().find(is_about_input), None, "{input}");
    }
    // The kernel makes it up, and nothing says that it ends.
    let made_up = Case::script("true", json!({})).input("/proc/self/environ");
    let answer = made_up.run().await;
    assert_eq!(answer.evidence["input_not_digested"], json!("unreadable"));
}

#[tokio::test]
async fn long_arguments_are_cut_and_that_is_said() {
    let long = "x".repeat(100_000);
    let case = Case::new(
        "command:true",
        json!({"argv": ["true", "é", long, "after"]}),
    );
    let answer = case.run().await;
    assert_eq!(answer.evidence["argv_cut"], json!(true));
    let argv = answer.evidence["argv"].as_array().unwrap();
    assert_eq!((&argv[1], argv.len()), (&json!("é"), 3));
    assert!(argv[2].as_str().unwrap().len() < 10_000);
    let short = Case::new("command:true", json!({"argv": ["true", "a"]}));
    assert!(!short.run().await.evidence.contains_key("argv_cut"));
}
