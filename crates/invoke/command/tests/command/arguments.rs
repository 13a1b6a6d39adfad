//! The command line: a list, never a shell's text.

use serde_json::json;

use crate::support::{Case, failure, printed};

const SHOW: &str = r#"printf '%s\n' "$0" "$@""#;

#[tokio::test]
async fn a_value_stays_one_argument_whatever_is_in_it() {
    let sly = "a b; touch gone $(touch gone) 'x' \"y\" * \\";
    let case = Case::new(
        "command:sh",
        json!({"argv": ["-c", SHOW, "first", "{input}", "in={input}"]}),
    )
    .input(sly);
    assert_eq!(
        printed(&case.run().await),
        format!("first\n{sly}\nin={sly}\n")
    );
    assert!(!case.call.folder.join("work/gone").exists());
}

#[tokio::test]
async fn the_tool_s_own_name_is_the_first_element_only_where_it_names_the_program() {
    for (endpoint, argv) in [
        ("command:sh", json!(["sh", "-c", SHOW, "x"])),
        ("command:/bin/sh", json!(["sh", "-c", SHOW, "x"])),
        ("command:/bin/sh", json!(["/bin/sh", "-c", SHOW, "x"])),
        ("command:sh", json!(["-c", SHOW, "x"])),
    ] {
        let case = Case::new(endpoint, json!({ "argv": argv }));
        assert_eq!(printed(&case.run().await), "x\n", "{endpoint}");
    }
}

#[tokio::test]
async fn an_input_can_not_become_an_option() {
    let argv = |before: &str| json!({"argv": ["-c", SHOW, before, "{input}"]});
    let case = Case::new("command:sh", argv("x")).input("--use-compress-program=touch");
    let answer = case.run().await;
    assert_eq!(failure(&answer).code, "input_looks_like_option");
    assert!(!failure(&answer).outcome_unknown);

    let case = Case::new("command:sh", argv("--")).input("-n");
    assert_eq!(printed(&case.run().await), "--\n-n\n");

    let inside = json!({"argv": ["-c", SHOW, "x", "--file={input}"]});
    let case = Case::new("command:sh", inside).input("-n");
    assert_eq!(printed(&case.run().await), "x\n--file=-n\n");
}

#[tokio::test]
async fn two_dashes_that_an_input_brought_end_no_options() {
    let argv = json!({"argv": ["-c", SHOW, "x", "{input}", "{correlation_id}"]});
    let case = Case::new("command:sh", argv).input("--");
    assert_eq!(failure(&case.run().await).code, "input_looks_like_option");
}

#[tokio::test]
async fn a_call_without_the_input_that_it_needs_is_not_made() {
    let case = Case::new(
        "command:sh",
        json!({"argv": ["-c", "touch made", "{input}"]}),
    );
    assert_eq!(failure(&case.run().await).code, "input_missing");
    assert!(!case.call.folder.join("work/made").exists());
}

#[tokio::test]
async fn a_nul_character_is_refused() {
    let case = Case::new("command:sh", json!({"argv": ["-c", SHOW, "x{input}"]})).input("a\0b");
    assert_eq!(failure(&case.run().await).code, "input_invalid");
}

#[tokio::test]
async fn every_place_is_filled() {
    let mut case = Case::new(
        "command:sh",
        json!({"argv": ["-c", SHOW, "x", "{dot_code}", "{mode}", "{namespace}", "{candidate}", "{correlation_id}",
            "{process_run_id}", "{component_run_id}", "{folder}", "{output}", "{fixture}"], "output": "stdout"}),
    );
    case.call.contract.fixture_ref = Some("fixture".to_owned());
    case.call.fixture = Some(crate::written::fixture());
    let printed = printed(&case.run().await);
    let folder = case.call.folder.display();
    let expected = format!(
        "x\nDOT_TEST\nDRY_RUN\nDRYRUN-NS:test\nPROC-CAND:test\ncorr-1\n{}\n{}\n{folder}\n{folder}/output\n{folder}/fixture.json\n",
        case.call.process_run_id, case.call.component_run_id
    );
    assert_eq!(printed, expected);
    let body: serde_json::Value = serde_json::from_str(&case.file("fixture.json")).unwrap();
    assert_eq!(body, json!({"target": "n1"}));
}
