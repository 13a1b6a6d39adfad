//! The `.sql` files, embedded at build time.

use include_dir::{Dir, include_dir};
use sha2::{Digest, Sha256};

static SQL: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/sql");

/// Revokes every privilege of every role but the owner. The declared privileges are granted afterwards.
pub(crate) const REVOKE_EVERYTHING: &str = include_str!("revoke_everything.sql");

/// One file of the contract.
#[derive(Debug, Clone, Copy)]
pub struct SourceFile {
    /// Path below `sql/`, with forward slashes.
    pub path: &'static str,
    /// Its text.
    pub text: &'static str,
}

impl SourceFile {
    /// SHA-256 of the text, in hex.
    pub fn digest(&self) -> String {
        hex(&Sha256::digest(self.text))
    }

    /// The file's name without folder and ending.
    pub fn stem(&self) -> &'static str {
        let name = self.path.rsplit('/').next().unwrap_or(self.path);
        name.strip_suffix(".sql").unwrap_or(name)
    }
}

/// The `.sql` files below one folder (`""` for all), in execution order: by path.
pub fn files(folder: &str) -> Vec<SourceFile> {
    let mut found = Vec::new();
    collect(&SQL, &mut found);
    found.retain(|file| file.path.starts_with(folder));
    found.sort_by_key(|file| file.path);
    found
}

fn collect(folder: &'static Dir<'static>, found: &mut Vec<SourceFile>) {
    for file in folder.files() {
        let path = file.path().to_str();
        if let (Some(path), Some(text)) = (
            path.filter(|path| path.ends_with(".sql")),
            file.contents_utf8(),
        ) {
            found.push(SourceFile { path, text });
        }
    }
    for below in folder.dirs() {
        collect(below, found);
    }
}

/// The files that every install replaces, ordered by dependency: functions read views only when they are called, but
/// views need their functions when they are created.
pub(crate) fn repeatable() -> Vec<SourceFile> {
    [
        "support/",
        "layers/",
        "rollup/",
        "flows/",
        "registry/",
        "backfill/",
        "guards/",
        "views/",
    ]
    .iter()
    .flat_map(|folder| files(folder))
    .collect()
}

/// The declared roles and grants.
pub(crate) fn access_text() -> &'static str {
    SQL.get_file("access.toml")
        .and_then(|file| file.contents_utf8())
        .unwrap_or_default()
}

/// The descriptions of public objects.
pub(crate) fn comments_text() -> &'static str {
    SQL.get_file("comments.toml")
        .and_then(|file| file.contents_utf8())
        .unwrap_or_default()
}

/// The names of the objects that the `.sql` files create with this keyword, such as `FUNCTION`, one per overload.
pub(crate) fn created(keyword: &str) -> Vec<String> {
    let texts = files("").into_iter().map(|file| file.text);
    texts
        .flat_map(str::lines)
        .filter_map(|line| {
            let created = line.strip_prefix("CREATE ")?;
            let created = created.strip_prefix("OR REPLACE ").unwrap_or(created);
            let name = created.strip_prefix(keyword)?.strip_prefix(' ')?;
            let end = name.find(|next: char| next != '_' && !next.is_ascii_alphanumeric());
            Some(name[..end.unwrap_or(name.len())].to_owned())
        })
        .collect()
}

/// SHA-256 over everything that an install creates, in hex. Two programs with the same digest install the same
/// contract.
pub fn contract_digest() -> String {
    let mut digest = Sha256::new();
    for file in files("") {
        digest.update(file.path);
        digest.update([0]);
        digest.update(file.text);
        digest.update([0]);
    }
    digest.update(access_text());
    digest.update(comments_text());
    digest.update(REVOKE_EVERYTHING);
    hex(&digest.finalize())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::access;

    #[test]
    fn every_folder_is_installed() {
        let all: Vec<_> = files("").iter().map(|file| file.path).collect();
        let installed: Vec<_> = files("tables/")
            .iter()
            .chain(&repeatable())
            .map(|file| file.path)
            .collect();
        assert_eq!(
            all.len(),
            installed.len(),
            "a folder of sql/ is not installed"
        );
    }

    #[test]
    fn a_file_holds_the_function_that_it_is_named_after() {
        for file in files("")
            .iter()
            .filter(|file| file.stem().starts_with("fn_"))
        {
            assert!(
                file.text.contains(&format!("FUNCTION {}(", file.stem())),
                "{}",
                file.path
            );
        }
    }

    #[test]
    fn every_plpgsql_function_prefers_columns() {
        for file in files("") {
            let functions = file.text.matches("LANGUAGE plpgsql").count();
            let said = file
                .text
                .matches("\n#variable_conflict use_column\n")
                .count();
            assert_eq!(functions, said, "{}", file.path);
        }
    }

    /// A function that only the owner's functions call runs under the path that these pin (docs/decisions/0034).
    #[test]
    fn every_function_that_others_enter_pins_its_search_path() {
        let access = access();
        for file in files("") {
            for function in file.text.split("CREATE OR REPLACE FUNCTION ").skip(1) {
                let (head, _) = function.split_once("AS $$").unwrap_or((function, ""));
                let name = head.split('(').next().unwrap_or_default();
                let is_entered = head.contains("SECURITY DEFINER")
                    || head.contains("RETURNS trigger")
                    || access.functions.contains_key(name)
                    || access.checker_owned.functions.iter().any(|own| own == name);
                let is_pinned = head.contains("SET search_path FROM CURRENT");
                assert!(is_pinned || !is_entered, "{name}");
                assert!(is_pinned || !head.contains(" SET "), "{name}");
            }
        }
    }
}
