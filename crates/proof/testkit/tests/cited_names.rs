//! Comments and pages cite functions, views and files. Each of them exists.

#![allow(
    clippy::unwrap_used,
    reason = "a test says what it expects; unwrapping is how it fails"
)]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Records of former names: what they cite is gone.
const HISTORY: [&str; 2] = [
    "CHANGELOG.md",
    "docs/decisions/0058-names-are-the-fields-terms.md",
];

/// Folders of sources and pages, from the root of the repository.
const FOLDERS: [&str; 4] = ["crates", "docs", "catalogue", "scripts"];

fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.join("../../..").canonicalize().unwrap()
}

/// The files of the repository, as paths from its root.
fn files() -> Vec<String> {
    let root = root();
    let mut folders: Vec<PathBuf> = FOLDERS.iter().map(|folder| root.join(folder)).collect();
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true if path.ends_with("target") => {}
                true => folders.push(path),
                false => files.push(path),
            }
        }
    }
    let top = fs::read_dir(&root)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    files.extend(top.filter(|path| path.is_file()));
    let mut names = Vec::new();
    for path in files.iter().filter(|path| path.is_file()) {
        let path = path.strip_prefix(&root).unwrap();
        names.push(path.to_str().unwrap().to_owned());
    }
    names
}

fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap()
}

fn is_identifier(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

/// The words of a text that are identifiers.
fn identifiers(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character| !is_identifier(character))
}

/// Whether a word is the name of a function or view of the contract. `v_` alone begins variables, too.
fn is_contract_name(word: &str) -> bool {
    ["fn_", "v_dot_", "v_process_", "v_event_"]
        .iter()
        .any(|beginning| word.starts_with(beginning) && word.len() > beginning.len())
        && !word.ends_with('_')
}

/// The functions and views that an installation has.
fn defined(files: &[String]) -> BTreeSet<String> {
    let sources = files
        .iter()
        .filter(|file| file.starts_with("crates/record/contract/sql/") && file.ends_with(".sql"));
    let mut names = BTreeSet::new();
    for source in sources {
        for line in read(source).lines() {
            let words: Vec<&str> = line.split([' ', '(']).collect();
            let at = words
                .iter()
                .position(|word| *word == "FUNCTION" || *word == "VIEW");
            if let Some(name) = at.and_then(|at| words.get(at + 1))
                && line.starts_with("CREATE ")
            {
                names.insert((*name).to_owned());
            }
        }
    }
    names
}

/// What a line says to people: all of a page, and the comment of a source.
fn prose<'a>(file: &str, line: &'a str) -> &'a str {
    let mark = match Path::new(file).extension().and_then(|end| end.to_str()) {
        Some("md") => return line,
        Some("rs") => "//",
        Some("sql") => "--",
        Some("toml") => "#",
        _ => return "",
    };
    line.find(mark).map_or("", |at| &line[at..])
}

/// Whether a text describes what there is, and not what there was.
fn is_current(file: &str) -> bool {
    !HISTORY.contains(&file)
        && !file.contains("/sql/tables/")
        && !file.contains("/fixtures/")
        && !is_overturned(file)
}

fn is_overturned(file: &str) -> bool {
    if !file.starts_with("docs/decisions/") {
        return false;
    }
    let text = read(file).to_lowercase();
    let mut head = text.lines().take(6);
    head.any(|line| line.contains("superseded by") || line.contains("overturned by"))
}

#[test]
fn every_cited_function_and_view_exists() {
    let files = files();
    let defined = defined(&files);
    assert!(defined.len() > 150, "{} names are defined", defined.len());
    let mut unknown = Vec::new();
    for file in files.iter().filter(|file| is_current(file)) {
        let Ok(text) = fs::read_to_string(root().join(file)) else {
            continue;
        };
        for line in text.lines() {
            let words = identifiers(prose(file, line)).filter(|word| is_contract_name(word));
            unknown.extend(
                words
                    .filter(|word| !defined.contains(*word))
                    .map(|word| format!("{file}: {word}")),
            );
        }
    }
    assert!(unknown.is_empty(), "{unknown:#?}");
}

#[test]
fn every_file_that_a_page_cites_exists() {
    let files = files();
    let mut missing = Vec::new();
    for page in files.iter().filter(|file| {
        file.ends_with(".md") && is_current(file) && !file.starts_with("docs/decisions/")
    }) {
        let text = read(page);
        for cited in text
            .split('`')
            .skip(1)
            .step_by(2)
            .filter(|cited| is_path(cited))
        {
            let path = cited.trim_end_matches('/');
            let exists = files.iter().any(|file| {
                let (file, path) = (format!("/{file}"), format!("/{path}"));
                file.ends_with(&path) || file.contains(&format!("{path}/"))
            });
            if !exists {
                missing.push(format!("{page}: {cited}"));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

/// Whether a cited word is a path of this repository: a crate's folder, or a source. Patterns are none.
fn is_path(cited: &str) -> bool {
    let is_plain = cited
        .chars()
        .all(|character| is_identifier(character) || "./-".contains(character));
    let is_source = [".rs", ".sql"]
        .iter()
        .any(|end| cited.ends_with(end) && cited.len() > end.len());
    is_plain && !cited.contains("NNNN") && (cited.starts_with("crates/") || is_source)
}
