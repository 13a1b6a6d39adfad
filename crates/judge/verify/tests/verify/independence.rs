//! The verifier shares no code with the writer.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn crate_folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn it_is_built_from_no_other_crate_of_the_workspace() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let arguments = [
        "tree",
        "--offline",
        "--edges",
        "normal,build",
        "--prefix",
        "none",
        "--package",
        "dotwrap-verify",
    ];
    let output = Command::new(cargo)
        .args(arguments)
        .current_dir(crate_folder())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let tree = String::from_utf8(output.stdout).unwrap();
    let own: Vec<_> = tree
        .lines()
        .filter(|line| line.starts_with("dotwrap"))
        .collect();
    assert_eq!(own.len(), 1, "{own:?}");
    assert!(own[0].starts_with("dotwrap-verify "), "{own:?}");
}

#[test]
fn its_questions_call_none_of_the_contracts_functions() {
    let questions = questions(&crate_folder().join("src/checks"));
    assert!(questions.len() > 40, "{questions:?}");
    for question in questions {
        let text = fs::read_to_string(&question).unwrap();
        let calls: Vec<_> = text
            .match_indices("fn_")
            .map(|(at, _)| &text[at..])
            .filter(|rest| {
                let name = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
                name.is_some_and(|end| rest[end..].starts_with('('))
            })
            .map(|rest| rest.chars().take(40).collect::<String>())
            .collect();
        assert!(calls.is_empty(), "{}: {calls:?}", question.display());
    }
}

#[test]
fn its_questions_name_the_ledgers_tables_with_their_schema() {
    let named = questions(&crate_folder().join("src"));
    let texts: Vec<_> = named
        .iter()
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    let manifest = fs::read_to_string(crate_folder().join("release/objects.tsv")).unwrap();
    let relations = manifest
        .lines()
        .filter_map(|line| line.strip_prefix("any\trelation\t"));
    let relations: Vec<_> = relations
        .filter_map(|line| line.split('\t').next())
        .collect();
    assert!(relations.len() > 30, "{relations:?}");
    for (path, text) in named.iter().zip(&texts) {
        for relation in &relations {
            for before in ["FROM ", "JOIN "] {
                let bare = format!("{before}{relation} ");
                assert!(!text.contains(&bare), "{}: {bare}", path.display());
            }
        }
    }
}

fn questions(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(questions(&path));
        } else if path.extension().is_some_and(|extension| extension == "sql") {
            found.push(path);
        }
    }
    found
}
