//! Dependencies between our crates point downwards. Invokers cannot record: they reach neither the wrapper nor a database.
//! The runner records through the wrapper alone.

#![allow(
    clippy::unwrap_used,
    reason = "a test says what it expects; unwrapping is how it fails"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use serde_json::Value;

/// What each crate that is part of the product may be built from, of ours. What is not listed is for tests or measures.
const ALLOWED: [(&str, &[&str]); 12] = [
    ("types", &[]),
    ("contract", &[]),
    ("wrapper", &["types"]),
    ("embedded", &[]),
    ("verify", &[]),
    ("invoke", &["types"]),
    ("invoke-command", &["invoke", "types"]),
    ("invoke-agent-api", &["invoke", "types"]),
    ("invoke-mcp", &["invoke", "invoke-command", "types"]),
    ("runner", &["invoke", "wrapper"]),
    ("pilot", &[]),
    (
        "cli",
        &[
            "contract",
            "wrapper",
            "embedded",
            "verify",
            "invoke",
            "invoke-command",
            "invoke-agent-api",
            "invoke-mcp",
            "runner",
        ],
    ),
];

/// The crates that call tools, or decide when.
const INVOKING: [&str; 5] = [
    "invoke",
    "invoke-command",
    "invoke-agent-api",
    "invoke-mcp",
    "runner",
];

/// Ways to a database of one's own.
const DATABASE_CLIENTS: [&str; 6] = [
    "tokio-postgres",
    "deadpool-postgres",
    "postgres",
    "sqlx",
    "diesel",
    "rusqlite",
];

/// The direct dependencies of each of our crates that are built in, tests left out.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter();
    packages
        .map(|package| {
            let built_in = package["dependencies"].as_array().unwrap().iter();
            let names = built_in
                .filter(|dependency| dependency["kind"].is_null())
                .map(|dependency| dependency["name"].as_str().unwrap().to_owned());
            (
                package["name"].as_str().unwrap().to_owned(),
                names.collect(),
            )
        })
        .collect()
}

#[test]
fn our_crates_are_built_from_the_layers_beneath_them_alone() {
    let dependencies = dependencies();
    for (name, allowed) in ALLOWED {
        let ours: BTreeSet<&str> = dependencies[&format!("dotwrap-{name}")]
            .iter()
            .filter_map(|dependency| dependency.strip_prefix("dotwrap-"))
            .collect();
        let allowed: BTreeSet<&str> = allowed.iter().copied().collect();
        assert!(ours.is_subset(&allowed), "{name} is built from {ours:?}");
    }
}

/// Everything that a crate is built from: its dependencies and, through our own crates, theirs.
fn closure(dependencies: &BTreeMap<String, BTreeSet<String>>, name: &str) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut open = vec![name.to_owned()];
    while let Some(next) = open.pop() {
        for dependency in dependencies.get(&next).into_iter().flatten() {
            if reached.insert(dependency.clone()) {
                open.push(dependency.clone());
            }
        }
    }
    reached
}

#[test]
fn invokers_cannot_reach_the_wrapper_nor_a_database() {
    let dependencies = dependencies();
    for name in [
        "types",
        "invoke",
        "invoke-command",
        "invoke-agent-api",
        "invoke-mcp",
    ] {
        let reached = closure(&dependencies, &format!("dotwrap-{name}"));
        assert!(!reached.is_empty(), "{name} is built from something");
        let recording = reached.iter().filter(|dependency| {
            *dependency == "dotwrap-wrapper" || DATABASE_CLIENTS.contains(&dependency.as_str())
        });
        let recording: Vec<_> = recording.collect();
        assert!(recording.is_empty(), "{name} reaches {recording:?}");
    }
}

#[test]
fn the_wrapper_cannot_reach_an_invoker() {
    let dependencies = dependencies();
    let reached = closure(&dependencies, "dotwrap-wrapper");
    let invoking: Vec<_> = INVOKING
        .iter()
        .filter(|name| reached.contains(&format!("dotwrap-{name}")))
        .collect();
    assert!(invoking.is_empty(), "the wrapper reaches {invoking:?}");
}

#[test]
fn invokers_have_no_database_driver_of_their_own() {
    let dependencies = dependencies();
    for name in INVOKING {
        let found: Vec<_> = dependencies[&format!("dotwrap-{name}")]
            .iter()
            .filter(|dependency| DATABASE_CLIENTS.contains(&dependency.as_str()))
            .collect();
        assert!(found.is_empty(), "{name} has {found:?}");
    }
}
