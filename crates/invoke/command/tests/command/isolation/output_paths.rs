//! The call's folder and output: links, hard links, mounts, and a verifier that is not given the output.

use std::fs;
use std::os::unix::fs::symlink;

use dotwrap_invoke::Stop;
use nix::unistd::Uid;
use serde_json::json;

use crate::support::{Case, failure, supervisor};

#[tokio::test]
async fn symlink_in_place_of_the_call_folder_is_refused() {
    for put_at in ["call", "."] {
        let case = Case::script("true", json!({}));
        let folder = case.call.folder.clone();
        let (place, elsewhere) = match put_at {
            "call" => (folder.clone(), case.outside()),
            _ => (folder.parent().unwrap().join("run"), case.outside()),
        };
        let mut case = case;
        if put_at == "call" {
            fs::remove_dir(&place).unwrap();
        } else {
            case.call.folder = place.join("verifier");
        }
        symlink(&elsewhere, &place).unwrap();
        let answer = case.run_by(supervisor(), Stop::never()).await;
        assert_eq!(failure(&answer).code, "folder_unusable", "{put_at}");
        assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
    }
}

#[tokio::test]
async fn hard_links_of_an_output_are_recorded() {
    let case = Case::script(
        "echo x >file && ln file ../output",
        json!({"output": "file"}),
    );
    assert_eq!(case.run().await.evidence["output_hard_links"], json!(1));
    let plain = Case::script("echo x >../output", json!({"output": "file"}));
    assert!(
        plain
            .run()
            .await
            .evidence
            .get("output_hard_links")
            .is_none()
    );
}

#[tokio::test]
async fn mounts_in_an_output_are_recorded() {
    if !Uid::effective().is_root() {
        return;
    }
    let script = "mkdir -p ../output/deep && mount -t tmpfs none ../output/deep";
    let case = Case::script(script, json!({"output": "file"})).for_real();
    let answer = case.run().await;
    let mounted = case.call.folder.join("output/deep");
    let unmounted = std::process::Command::new("umount").arg(&mounted).status();
    assert!(unmounted.unwrap().success());
    assert_eq!(
        answer.evidence["output_mounts"],
        json!(["tmpfs"]),
        "{answer:?}"
    );
}

#[test]
fn verifier_contract_without_the_output_path_has_a_warning() {
    let warnings = |case: Case| {
        let invoker = crate::support::invoker();
        dotwrap_invoke::Invoker::warnings(&invoker, &case.call.contract)
    };
    let blind = warnings(Case::verifier("true", json!({})));
    assert!(blind[0].contains("{output}"), "{blind:?}");
    for told in [
        Case::verifier("cat $DOT_OUTPUT", json!({})),
        Case::verifier("cat", json!({"stdin": "{output}"})),
        Case::verifier("cat $THIS", json!({"variables": {"THIS": "{output}"}})),
        Case::script("true", json!({})),
    ] {
        assert!(warnings(told).is_empty());
    }
}
