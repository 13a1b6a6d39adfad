//! Where runs may not keep their files, and what a small `ulimit -n` is called.

use std::process::Command;

use crate::home::Home;
use crate::support::Answer;

#[test]
fn a_folder_for_runs_among_what_tools_are_kept_from_is_refused_before_the_run() {
    let home = Home::new();
    home.call(&["tools", "import", "--sample"]).expect(0);
    let folder = home.folder().join("embedded/rr");
    let folder = folder.to_str().unwrap();
    for mode in ["dry-run", "real-run"] {
        let words = ["run", "DOT_SHA256SUM", "--mode", mode, "--output", "json"];
        let words = [&words[..], &["--runs-folder", folder]].concat();
        let refused = home.call(&words).expect(2).failure();
        assert_eq!(refused["code"], "folder_unusable", "{refused}");
        let message = refused["message"].as_str().unwrap();
        assert!(message.contains(folder), "{message}");
        let hint = refused["hint"].as_str().unwrap();
        assert!(hint.contains("--runs-folder"), "{hint}");
    }
    assert!(!home.folder().join("embedded/rr").exists());
}

#[test]
fn too_few_open_files_are_called_so() {
    let home = Home::new();
    for files in [8, 10, 12, 14] {
        let limit = format!("ulimit -n {files}; exec \"$0\" gates");
        let mut command = Command::new("sh");
        command.args(["-c", &limit, env!("CARGO_BIN_EXE_dotwrap")]);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", home.desk.folder())
            .env("DOTWRAP_HOME", home.folder());
        let refused = Answer::of(&mut command).expect(69).messages;
        assert!(refused.contains("ulimit -n"), "{files}: {refused}");
        for other in ["apt-get", "ulimit -u"] {
            assert!(!refused.contains(other), "{files}: {refused}");
        }
    }
}
