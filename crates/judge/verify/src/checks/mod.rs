//! The rules, one family per file, and one `.sql` file per rule.
//!
//! A query is one SELECT that returns violations: `subject` (the id of a row, a candidate, a table) and `what`, the
//! defect, both text. It names the ledger's tables and views as `ledger.<name>`, and uses only the catalogue's
//! functions (see [`crate::question`]).

mod conclusions;
mod events;
mod evidence;
mod gates;
mod guards;
mod keys;
mod ladder;
mod registry;
mod requests;
mod rollup;
mod runs;

use crate::report::Severity;

/// One rule and the query that returns its violations.
#[derive(Debug)]
pub(crate) struct Check {
    /// Stable once released.
    pub(crate) name: &'static str,
    /// The rule in one sentence.
    pub(crate) rule: &'static str,
    /// The source of the rule.
    pub(crate) source: &'static str,
    pub(crate) severity: Severity,
    pub(crate) question: &'static str,
}

const FAMILIES: [(&str, &[Check]); 11] = [
    ("runs", runs::CHECKS),
    ("conclusions", conclusions::CHECKS),
    ("evidence", evidence::CHECKS),
    ("requests", requests::CHECKS),
    ("keys", keys::CHECKS),
    ("events", events::CHECKS),
    ("gates", gates::CHECKS),
    ("registry", registry::CHECKS),
    ("ladder", ladder::CHECKS),
    ("rollup", rollup::CHECKS),
    ("guards", guards::CHECKS),
];

/// All checks with their family's name, in execution order.
pub(crate) fn all() -> impl Iterator<Item = (&'static str, &'static Check)> {
    FAMILIES
        .into_iter()
        .flat_map(|(family, checks)| checks.iter().map(move |check| (family, check)))
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = all().map(|(_, check)| check.name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn rules_are_sentences_and_questions_are_one_statement() {
        for (_, check) in all() {
            assert!(check.rule.ends_with('.'), "{}", check.name);
            assert!(!check.source.is_empty(), "{}", check.name);
            let question = check.question.trim_end();
            assert!(question.ends_with(';'), "{}", check.name);
            assert_eq!(question.matches(";\n").count(), 0, "{}", check.name);
        }
    }

    /// A source is a heading of a page in `docs/design`, or a decision.
    #[test]
    fn sources_are_in_the_repository() {
        let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../docs");
        for (_, check) in all() {
            let is_there = if let Some(decision) = check.source.strip_prefix("decision ") {
                let number = decision.split(':').next().unwrap_or_default();
                let prefix = format!("{number:0>4}-");
                let mut files = std::fs::read_dir(format!("{docs}/decisions")).unwrap();
                files.any(|file| {
                    file.unwrap()
                        .file_name()
                        .to_string_lossy()
                        .starts_with(&prefix)
                })
            } else {
                let (page, heading) = check.source.split_once(", ").unwrap_or_default();
                let heading = heading.split(':').next().unwrap_or_default();
                std::fs::read_to_string(format!("{docs}/design/{page}"))
                    .is_ok_and(|text| text.contains(&format!("\n## {heading}\n")))
            };
            assert!(is_there, "{}: {}", check.name, check.source);
        }
    }

    /// `CHECKS.md` is part of the crate's documentation: a reader of a report looks up names there.
    #[test]
    fn check_list_equals_the_check_files() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/CHECKS.md");
        let written = std::fs::read_to_string(path).unwrap_or_default();
        let list = list();
        if std::env::var_os("DOTWRAP_WRITE_CHECKS").is_some() {
            std::fs::write(path, list).unwrap();
            return;
        }
        assert!(
            written == list,
            "run the tests once with DOTWRAP_WRITE_CHECKS=1, and look at what changed in CHECKS.md"
        );
    }

    fn list() -> String {
        let mut list = "# The checks\n\nA name keeps its meaning once it is released. Sources are pages and headings of [docs/design](../../../docs/design).\n".to_owned();
        let mut last = "";
        for (family, check) in all() {
            if family != last {
                let _ = write!(
                    list,
                    "\n## {family}\n\n| name | rule | source | a finding is a |\n| --- | --- | --- | --- |\n"
                );
                last = family;
            }
            let severity = format!("{:?}", check.severity).to_lowercase();
            let _ = writeln!(
                list,
                "| `{}` | {} | {} | {severity} |",
                check.name, check.rule, check.source
            );
        }
        list
    }
}
