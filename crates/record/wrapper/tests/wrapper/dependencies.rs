//! Recording crates cannot invoke tools: they use no process and no connection except the database's. These tests
//! inspect the sources and dependencies of this crate and the contract's.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The crates that may not have a way to invoke anything.
const RECORDING: [&str; 3] = ["dotwrap-wrapper", "dotwrap-contract", "dotwrap-conninfo"];

/// The folders of their sources, below `crates`.
const SOURCES: [&str; 3] = ["record/wrapper", "record/contract", "base/conninfo"];

/// Ways to start a process or to open a connection of another kind, as they look in source.
const FORBIDDEN_IN_SOURCE: [&str; 8] = [
    "std::process",
    "tokio::process",
    "process::Command",
    "std::net::",
    "tokio::net",
    "UnixStream",
    "libc::",
    "extern \"C\"",
];

/// Crates that exist to invoke: clients of HTTP and its kin, and spawners of processes.
const FORBIDDEN_CRATES: [&str; 22] = [
    "attohttpc",
    "async-nats",
    "async-process",
    "awc",
    "axum",
    "curl",
    "duct",
    "h2",
    "hyper",
    "isahc",
    "libloading",
    "lettre",
    "minreq",
    "nix",
    "openssh",
    "reqwest",
    "rustix",
    "ssh2",
    "subprocess",
    "surf",
    "tonic",
    "ureq",
];

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..")
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut files = Vec::new();
    for path in entries {
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// What a crate is built from by itself, with the features that it asks for: not what the rest of the
/// workspace adds to them.
fn tree(package: &str, arguments: &[&str]) -> String {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args([
            "tree",
            "--offline",
            "--locked",
            "--package",
            package,
            "--prefix",
            "none",
        ])
        .args(arguments)
        .current_dir(workspace())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn recording_crates_use_no_process_or_own_connection() {
    for folder in SOURCES {
        let folder = workspace().join("crates").join(folder).join("src");
        let files = rust_files(&folder);
        assert!(!files.is_empty(), "{}", folder.display());
        for file in files {
            let text = fs::read_to_string(&file).unwrap();
            for word in FORBIDDEN_IN_SOURCE {
                assert!(!text.contains(word), "{} has {word}", file.display());
            }
        }
    }
}

#[test]
fn recording_crates_depend_on_no_invoker() {
    for package in RECORDING {
        let tree = tree(package, &["--edges", "normal", "--format", "{p}"]);
        assert!(tree.contains("tokio-postgres"), "{tree}");
        for line in tree.lines() {
            let name = line.split(' ').next().unwrap_or_default();
            assert!(
                !FORBIDDEN_CRATES.contains(&name),
                "{package} depends on {line}"
            );
        }
    }
}

#[test]
fn tokio_process_feature_is_disabled() {
    for package in RECORDING {
        let tree = tree(package, &["--edges", "normal", "--format", "{p}|{f}"]);
        let tokio = tree.lines().filter(|line| line.starts_with("tokio v"));
        let mut seen = false;
        for line in tokio {
            seen = true;
            let features = line.split('|').nth(1).unwrap_or_default();
            let features: Vec<_> = features.split(',').collect();
            assert!(
                !features.contains(&"process") && !features.contains(&"full"),
                "{package}: {line}"
            );
        }
        assert!(seen, "{tree}");
    }
}
