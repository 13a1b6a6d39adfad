//! The input of a tool: no pseudo file, and no file that its account cannot read.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use dotwrap_supervisor::{Program, Stdin, Supervisor};
use nix::unistd::Uid;
use rstest::rstest;
use serde_json::json;

use super::sandbox_dirs::{Account, SandboxDirs};
use crate::support::{Case, failure, printed};

/// Paths of pseudo files, with which the kernel shows data of processes.
fn pseudo_files(beside: &Path) -> Vec<String> {
    let own = std::process::id();
    let link = beside.join("link");
    symlink("/proc/self/environ", &link).unwrap();
    vec![
        "/proc/self/environ".to_owned(),
        format!("/proc/{own}/environ"),
        "/proc/self/../self/environ".to_owned(),
        link.display().to_string(),
        "/dev/fd/0".to_owned(),
        "/dev/stdin".to_owned(),
        "/proc/self/exe".to_owned(),
        "/sys/kernel/mm/transparent_hugepage/enabled".to_owned(),
    ]
}

#[rstest]
#[tokio::test]
async fn pseudo_files_are_refused_as_input(#[values(false, true)] is_real: bool) {
    let case = Case::script("cat", json!({"stdin": "{input}"}));
    for input in pseudo_files(&case.outside()) {
        let case = Case::script("cat", json!({"stdin": "{input}"})).input(&input);
        let case = if is_real { case.for_real() } else { case };
        let answer = case.run().await;
        assert_eq!(
            failure(&answer).code,
            "stdin_unusable",
            "{input}: {answer:?}"
        );
    }
}

#[tokio::test]
async fn a_link_or_a_relative_path_to_a_file_is_a_tools_input() {
    let case = Case::script("cat", json!({"stdin": "{input}"}));
    let file = case.outside().join("file");
    fs::write(&file, "text").unwrap();
    let link = case.outside().join("link");
    symlink(&file, &link).unwrap();
    let case = case.input(link.to_str().unwrap());
    assert_eq!(printed(&case.run().await), "text");
    let case = Case::script("wc -l", json!({"stdin": "{input}"})).input("Cargo.toml");
    printed(&case.run().await);
}

/// The launcher opens the input with the tool's rights.
#[tokio::test]
async fn a_file_that_the_tools_account_can_not_read_is_not_its_input() {
    let place = SandboxDirs::new(Account::Ordinary);
    if !Uid::effective().is_root() {
        return;
    }
    let secret = place.path("secret");
    fs::write(&secret, "").unwrap();
    fs::set_permissions(&secret, PermissionsExt::from_mode(0o600)).unwrap();
    let own = place.path("own");
    let program = Program::new("/bin/cat", &own, &own.join("stderr"));
    let supervisor = Supervisor::with_executable(place.path("supervisor"));
    let error = supervisor
        .start(program, Stdin::File(secret))
        .await
        .unwrap_err();
    assert_eq!(error.code.as_str(), "stdin_unusable", "{error}");
    assert!(error.why.contains("ermission denied"), "{error}");
}
