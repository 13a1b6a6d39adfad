//! The `dotwrap` program of this workspace.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::SystemTime;

use walkdir::WalkDir;

/// The environment variable with the program's path.
const VARIABLE: &str = "DOTWRAP_CRASH_PROGRAM";

/// The program, rebuilt where its sources are newer: a test of another crate cannot request that from cargo.
pub(crate) fn dotwrap() -> &'static Path {
    static PROGRAM: LazyLock<PathBuf> = LazyLock::new(find);
    &PROGRAM
}

fn find() -> PathBuf {
    if let Some(said) = env::var_os(VARIABLE).filter(|it| !it.is_empty()) {
        return PathBuf::from(said);
    }
    let own = env::current_exe().unwrap();
    let beside = own.parent().unwrap();
    let folder = match beside.file_name() {
        Some(name) if name == "deps" => beside.parent().unwrap(),
        _ => beside,
    };
    let program = folder.join("dotwrap");
    let made = program.metadata().and_then(|found| found.modified());
    if !made.is_ok_and(|made| made >= newest_source()) {
        build(folder);
    }
    program
}

fn newest_source() -> SystemTime {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let is_ours = |path: &Path| path.starts_with(env!("CARGO_MANIFEST_DIR"));
    let files = WalkDir::new(crates.canonicalize().unwrap())
        .into_iter()
        .filter_entry(|entry| entry.file_name() != "tests" && !is_ours(entry.path()))
        .flatten()
        .filter(|entry| entry.file_type().is_file());
    let times = files.filter_map(|entry| entry.metadata().ok()?.modified().ok());
    times.max().unwrap()
}

fn build(folder: &Path) {
    let profile = match folder.file_name().unwrap().to_str().unwrap() {
        "debug" => "dev",
        other => other,
    };
    eprintln!("building dotwrap ({profile}); {VARIABLE} names one that is there");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--quiet", "-p", "dotwrap-cli", "--bin", "dotwrap"])
        .args(["--profile", profile, "--target-dir"])
        .arg(folder.parent().unwrap())
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .unwrap();
    assert!(status.success(), "dotwrap cannot be built");
}
