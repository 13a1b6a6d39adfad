//! Every line of the tutorial works as printed, in an empty folder and with an empty home.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::home::Home;

/// A line of a page, and the exit status that its comment announces.
struct Line {
    text: String,
    status: i32,
}

/// The lines of the blocks that are marked as shell.
fn lines_of(page: &str) -> Vec<Line> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../docs")
        .join(page);
    let text = std::fs::read_to_string(path).unwrap();
    let mut is_shell = false;
    let mut lines = Vec::new();
    for line in text.lines() {
        if line.starts_with("```") {
            is_shell = line == "```sh";
        } else if is_shell {
            let announced = line.split("# exit status ").nth(1);
            let status = announced.map_or(0, |rest| rest[..1].parse().unwrap());
            lines.push(Line {
                text: line.to_owned(),
                status,
            });
        }
    }
    lines
}

/// The shell's search path with the tested program in front, under its own name.
fn search_path(folder: &Path) -> String {
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_dotwrap"), folder.join("dotwrap")).unwrap();
    format!(
        "{}:{}",
        folder.display(),
        std::env::var("PATH").unwrap_or_default()
    )
}

fn subfolder(home: &Home, name: &str) -> PathBuf {
    let folder = home.desk.folder().join(name);
    std::fs::create_dir(&folder).unwrap();
    folder
}

#[test]
fn every_line_of_the_tutorial_works_as_printed() {
    let home = Home::new();
    let path = search_path(&subfolder(&home, "bin"));
    let (work, user_home) = (subfolder(&home, "work"), subfolder(&home, "user"));
    let lines = lines_of("tutorial.md");
    assert!(lines.len() > 40, "{}", lines.len());
    for line in lines {
        let output = Command::new("bash")
            .args(["-c", &line.text])
            .env_clear()
            .env("PATH", &path)
            .env("HOME", &user_home)
            .env("DOTWRAP_HOME", home.folder())
            .current_dir(&work)
            .output()
            .unwrap();
        let said = format!(
            "{}\n{}{}",
            line.text,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        assert_eq!(output.status.code(), Some(line.status), "{said}");
    }
}
