//! Dependencies between our crates point downwards, and crates that invoke tools record only through the wrapper.

#![allow(
    clippy::unwrap_used,
    reason = "a test says what it expects; unwrapping is how it fails"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use serde_json::Value;

/// The allowed dependencies of each product crate on our crates. Crates that are not listed are tests or benchmarks.
const ALLOWED: [(&str, &[&str]); 11] = [
    ("contract", &[]),
    ("wrapper", &[]),
    ("embedded", &[]),
    ("verify", &[]),
    ("invoke", &["wrapper"]),
    ("invoke-command", &["invoke", "wrapper"]),
    ("invoke-agent-api", &["invoke", "wrapper"]),
    ("invoke-mcp", &["invoke", "invoke-command", "wrapper"]),
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

/// Database drivers.
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
