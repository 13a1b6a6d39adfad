//! The folder of a crate is its permission: `crates/<group>/<crate>` may reach, directly and through others, only
//! crates of the groups listed here. What invokes cannot record; what records cannot invoke; a front end reaches tools
//! only through `exec`, and only the command line reaches `exec`.

#![allow(
    clippy::unwrap_used,
    reason = "a test says what it expects; unwrapping is how it fails"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Command,
};

use serde_json::Value;

/// The groups that the crates of each group may reach. Tests and benchmarks (`proof`) may reach all.
const MAY_REACH: [(&str, &[&str]); 7] = [
    ("base", &["base"]),
    ("record", &["base", "record"]),
    ("invoke", &["base", "invoke"]),
    ("run", &["base", "record", "invoke", "run"]),
    ("app", &["base", "record", "judge", "app"]),
    ("judge", &[]),
    ("front", &["base", "record", "judge", "app"]),
];

/// Crates that reach more than their group: the command line executes runs.
const EXCEPTIONS: [(&str, &[&str]); 1] = [("dotwrap-cli", &["run", "invoke"])];

/// Database drivers.
const DATABASE_CLIENTS: [&str; 6] = [
    "tokio-postgres",
    "deadpool-postgres",
    "postgres",
    "sqlx",
    "diesel",
    "rusqlite",
];

/// A crate of the workspace.
struct Package {
    /// The folder that the crate's folder is in.
    group: String,
    /// Direct dependencies, without those of tests.
    dependencies: BTreeSet<String>,
}

fn packages() -> BTreeMap<String, Package> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--offline"])
        .args(["--format-version", "1"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter();
    packages
        .map(|package| {
            let dependencies = package["dependencies"].as_array().unwrap().iter();
            let built_in = dependencies
                .filter(|dependency| dependency["kind"].is_null())
                .map(|dependency| dependency["name"].as_str().unwrap().to_owned());
            let manifest = Path::new(package["manifest_path"].as_str().unwrap());
            let group = manifest.ancestors().nth(2).unwrap().file_name().unwrap();
            let found = Package {
                group: group.to_str().unwrap().to_owned(),
                dependencies: built_in.collect(),
            };
            (package["name"].as_str().unwrap().to_owned(), found)
        })
        .collect()
}

/// All crates that a crate is built from, as far as the workspace tells: our crates, and their direct dependencies.
fn reached_from(packages: &BTreeMap<String, Package>, name: &str) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut open = vec![name];
    while let Some(package) = open.pop().and_then(|next| packages.get(next)) {
        for dependency in &package.dependencies {
            if reached.insert(dependency.clone()) && packages.contains_key(dependency) {
                open.push(dependency);
            }
        }
    }
    reached
}

#[test]
fn a_crate_reaches_only_the_groups_of_its_folder() {
    let packages = packages();
    for (name, package) in &packages {
        if package.group == "proof" {
            continue;
        }
        let rule = MAY_REACH.iter().find(|(group, _)| *group == package.group);
        let (_, allowed) = rule.unwrap_or_else(|| panic!("{name}: no rule for {}", package.group));
        let more = EXCEPTIONS.iter().find(|(exception, _)| exception == name);
        let more = more.map_or(&[][..], |(_, more)| more);
        for reached in reached_from(&packages, name) {
            if let Some(reached_package) = packages.get(&reached) {
                let group = reached_package.group.as_str();
                assert!(
                    allowed.contains(&group) || more.contains(&group),
                    "{name} reaches {reached}, which is in {group}"
                );
            }
        }
    }
}

#[test]
fn every_group_of_the_rules_has_a_crate() {
    let packages = packages();
    let found: BTreeSet<&str> = packages.values().map(|it| it.group.as_str()).collect();
    let mut expected: BTreeSet<&str> = MAY_REACH.iter().map(|(group, _)| *group).collect();
    expected.insert("proof");
    assert_eq!(found, expected);
}

#[test]
fn only_exec_reaches_the_runner() {
    let packages = packages();
    let users = packages.iter().filter(|(_, package)| {
        package.group != "proof" && package.dependencies.contains("dotwrap-runner")
    });
    let users: Vec<_> = users.map(|(name, _)| name.as_str()).collect();
    assert_eq!(users, ["dotwrap-exec"]);
}

#[test]
fn crates_that_invoke_reach_no_database_driver() {
    let packages = packages();
    let invoking = packages.iter().filter(|(_, it)| it.group == "invoke");
    for (name, _) in invoking {
        let reached = reached_from(&packages, name);
        assert!(!reached.is_empty(), "{name} is built from something");
        let drivers = reached.iter();
        let drivers: Vec<_> = drivers
            .filter(|reached| DATABASE_CLIENTS.contains(&reached.as_str()))
            .collect();
        assert!(drivers.is_empty(), "{name} reaches {drivers:?}");
    }
}

#[test]
fn the_runner_has_no_database_driver_of_its_own() {
    let packages = packages();
    for (name, package) in packages.iter().filter(|(_, it)| it.group == "run") {
        let direct = package.dependencies.iter();
        let drivers: Vec<_> = direct
            .filter(|dependency| DATABASE_CLIENTS.contains(&dependency.as_str()))
            .collect();
        assert!(drivers.is_empty(), "{name} has {drivers:?}");
    }
}
