//! The modules of the command line form no circle: what a module uses does not use it.

#![allow(
    clippy::unwrap_used,
    reason = "a test says what it expects; unwrapping is how it fails"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// The modules that each module names.
type Uses = BTreeMap<String, BTreeSet<String>>;

/// The module at the top of the crate that a file is part of.
fn module_of(source: &Path, file: &Path) -> String {
    let below = file.strip_prefix(source).unwrap();
    let first = below.iter().next().unwrap().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => files.push(path),
            }
        }
    }
    files
}

/// The modules that a source names after `crate::`, one by one or in braces. Comments name none.
fn named(text: &str) -> BTreeSet<String> {
    let code: Vec<&str> = text
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect();
    let code = code.join("\n");
    let mut names = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        let paths = match rest.strip_prefix('{') {
            Some(list) => list.split(';').next().unwrap_or_default(),
            None => rest,
        };
        let count = if rest.starts_with('{') { usize::MAX } else { 1 };
        let words = paths.split(|character: char| !character.is_alphanumeric() && character != '_');
        names.extend(
            words
                .filter(|word| !word.is_empty())
                .take(count)
                .map(str::to_owned),
        );
    }
    names
}

fn uses(source: &Path) -> Uses {
    let mut uses = Uses::new();
    for file in files(source) {
        let module = module_of(source, &file);
        let names = named(&fs::read_to_string(&file).unwrap());
        uses.entry(module).or_default().extend(names);
    }
    // The root names all of them, and none names the root.
    uses.remove("main");
    let modules: BTreeSet<String> = uses.keys().cloned().collect();
    for (module, names) in &mut uses {
        names.retain(|name| modules.contains(name) && name != module);
    }
    uses
}

/// A path of modules from one back to itself.
fn circle(uses: &Uses) -> Option<Vec<String>> {
    fn follow(uses: &Uses, path: &mut Vec<String>) -> bool {
        let last = path.last().unwrap().clone();
        for next in &uses[&last] {
            if path[0] == *next {
                path.push(next.clone());
                return true;
            }
            if !path.contains(next) {
                path.push(next.clone());
                if follow(uses, path) {
                    return true;
                }
                path.pop();
            }
        }
        false
    }
    uses.keys().find_map(|module| {
        let mut path = vec![module.clone()];
        follow(uses, &mut path).then_some(path)
    })
}

#[test]
fn modules_of_the_command_line_form_no_circle() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../front/cli/src");
    let uses = uses(&source.canonicalize().unwrap());
    assert!(uses["commands"].contains("failure"), "{uses:#?}");
    assert_eq!(circle(&uses), None);
}

#[test]
fn circle_of_modules_is_found() {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let uses = Uses::from([
        ("arguments".to_owned(), names(&["commands"])),
        ("commands".to_owned(), names(&["failure", "session"])),
        ("failure".to_owned(), names(&[])),
        ("session".to_owned(), names(&["arguments"])),
    ]);
    let found = circle(&uses).unwrap();
    assert_eq!(found, ["arguments", "commands", "session", "arguments"]);
}
