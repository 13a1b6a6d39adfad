//! Files of tools, candidates, fixtures and contracts: read as TOML, JSON or CSV, into entries that remember where they stood.

mod beside;
mod csv_table;
mod entry;
mod fixture;
mod json_document;
mod plan;
mod registration;
mod sample;
mod toml_document;

use std::collections::BTreeMap;
use std::path::Path;

use clap::ValueEnum;
use dotwrap_wrapper::{ContractDefinition, ToolDefinition};

pub(crate) use beside::Beside;
pub(crate) use entry::{CandidateEntry, Entry, FixtureEntry};
pub(crate) use plan::{Change, Kind, Plan};
pub(crate) use sample::sample;

use crate::failure::Failure;

/// How a catalogue file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CatalogueFormat {
    /// `[[tool]]`, `[[candidate]]`, `[[fixture]]` and `[[contract]]` tables.
    Toml,
    /// An array of tools, or an object with the arrays `tool`, `candidate`, `fixture` and `contract`.
    Json,
    /// One tool a line under a header line; `extra_metadata` is a JSON object.
    Csv,
}

impl CatalogueFormat {
    /// The format that a file's name says.
    pub(crate) fn of_path(path: &Path) -> Result<Self, Failure> {
        let extension = path
            .extension()
            .map(|extension| extension.to_string_lossy().to_lowercase());
        match extension.as_deref() {
            Some("toml") => Ok(Self::Toml),
            Some("json") => Ok(Self::Json),
            Some("csv") => Ok(Self::Csv),
            _ => Err(Failure::usage(format!(
                "the name {} does not say how the file is written",
                path.display()
            ))
            .hint("name it .toml, .json or .csv, or add --format toml|json|csv")),
        }
    }
}

/// What a catalogue file holds.
#[derive(Debug, Default)]
pub(crate) struct Catalogue {
    pub(crate) tools: Vec<Entry<ToolDefinition>>,
    pub(crate) candidates: Vec<Entry<CandidateEntry>>,
    pub(crate) fixtures: Vec<Entry<FixtureEntry>>,
    pub(crate) contracts: Vec<Entry<ContractDefinition>>,
}

impl Catalogue {
    /// Reads a catalogue; `source` is how messages name it, `beside` is where its fixtures' files are.
    pub(crate) fn read(
        text: &str,
        format: CatalogueFormat,
        source: &str,
        beside: &Beside,
    ) -> Result<Self, Failure> {
        let catalogue = match format {
            CatalogueFormat::Toml => toml_document::read(text, source, beside),
            CatalogueFormat::Json => json_document::read(text, source, beside),
            CatalogueFormat::Csv => csv_table::read(text, source),
        }?;
        catalogue.refuse_repeated_names()?;
        Ok(catalogue)
    }

    /// Where the entry of this kind and name stands.
    pub(crate) fn place_of(&self, kind: Kind, name: &str) -> Option<&str> {
        self.names()
            .find(|(its_kind, its_name, _)| *its_kind == kind && its_name == name)
            .map(|(_, _, place)| place)
    }

    /// The tools without their places, as the library takes them.
    pub(crate) fn definitions(&self) -> Vec<ToolDefinition> {
        self.tools.iter().map(|entry| entry.said.clone()).collect()
    }

    /// Adds what another catalogue holds.
    fn extend(&mut self, other: Self) {
        self.tools.extend(other.tools);
        self.candidates.extend(other.candidates);
        self.fixtures.extend(other.fixtures);
        self.contracts.extend(other.contracts);
    }

    /// Every entry by what it is called, with its place.
    fn names(&self) -> impl Iterator<Item = (Kind, String, &str)> {
        let tools = self.tools.iter();
        let tools = tools.map(|entry| (Kind::Tool, entry.said.dot_code.clone(), &*entry.place));
        let candidates = self.candidates.iter();
        let candidates =
            candidates.map(|entry| (Kind::Candidate, entry.said.code.clone(), &*entry.place));
        let fixtures = self.fixtures.iter();
        let fixtures =
            fixtures.map(|entry| (Kind::Fixture, entry.said.fixture_ref.clone(), &*entry.place));
        let contracts = self.contracts.iter().map(|entry| {
            let name = format!("{} {}", entry.said.dot_code, entry.said.mode);
            (Kind::Contract, name, &*entry.place)
        });
        tools.chain(candidates).chain(fixtures).chain(contracts)
    }

    /// Of two entries with one name the second would silently win.
    fn refuse_repeated_names(&self) -> Result<(), Failure> {
        let mut seen = BTreeMap::new();
        for (kind, name, place) in self.names() {
            let what = name.clone();
            if let Some(first) = seen.insert((kind.to_string(), name), place) {
                return Err(Failure::usage(format!(
                    "{place}: {what} stands a second time; the first is at {first}"
                )));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO_TOOLS: &str =
        "[[tool]]\ndot_code = \"A\"\n\n[[tool]]\ndot_code = \"B\"\nname = \"b\"\n";

    fn message(text: &str, format: CatalogueFormat) -> String {
        Catalogue::read(text, format, "tools", &Beside::Nowhere)
            .unwrap_err()
            .message
    }

    #[test]
    fn every_entry_knows_its_place() {
        let catalogue = Catalogue::read(
            TWO_TOOLS,
            CatalogueFormat::Toml,
            "tools.toml",
            &Beside::Nowhere,
        )
        .unwrap();
        assert_eq!(catalogue.place_of(Kind::Tool, "B"), Some("tools.toml:4"));
        let catalogue = Catalogue::read(
            "dot_code,name\nA,a\nB,b\n",
            CatalogueFormat::Csv,
            "tools.csv",
            &Beside::Nowhere,
        )
        .unwrap();
        assert_eq!(catalogue.place_of(Kind::Tool, "B"), Some("tools.csv:3"));
        let catalogue = Catalogue::read(
            r#"[{"dot_code":"A"},{"dot_code":"B"}]"#,
            CatalogueFormat::Json,
            "t.json",
            &Beside::Nowhere,
        )
        .unwrap();
        assert_eq!(catalogue.place_of(Kind::Tool, "B"), Some("t.json: entry 2"));
    }

    #[test]
    fn the_three_formats_say_the_same() {
        let toml = "[[tool]]\ndot_code='A'\ntier='B'\n[tool.extra_metadata]\nargv=['x','y']\n";
        let json = r#"{"tool":[{"dot_code":"A","tier":"B","extra_metadata":{"argv":["x","y"]}}]}"#;
        let csv =
            "dot_code,tier,name,extra_metadata\nA,B,,\"{\"\"argv\"\":[\"\"x\"\",\"\"y\"\"]}\"\n";
        let read = |text, format| {
            Catalogue::read(text, format, "f", &Beside::Nowhere)
                .unwrap()
                .tools
                .remove(0)
                .said
        };
        let expected = read(toml, CatalogueFormat::Toml);
        assert_eq!(read(json, CatalogueFormat::Json), expected);
        assert_eq!(read(csv, CatalogueFormat::Csv), expected);
    }

    #[test]
    fn an_unknown_key_is_named_with_its_place() {
        let unknown = message("[[tool]]\ndot_code='A'\nteir='B'\n", CatalogueFormat::Toml);
        assert!(
            unknown.contains("tools:3") && unknown.contains("teir") && unknown.contains("tier"),
            "{unknown}"
        );
        let unknown = message(r#"[{"dot_code":"A","teir":"B"}]"#, CatalogueFormat::Json);
        assert!(
            unknown.contains("entry 1 (A)") && unknown.contains("teir"),
            "{unknown}"
        );
        let unknown = message("dot_code,teir\nA,B\n", CatalogueFormat::Csv);
        assert!(
            unknown.contains("teir") && unknown.contains("tier"),
            "{unknown}"
        );
    }

    #[test]
    fn a_code_that_stands_twice_is_refused() {
        let twice = message("dot_code\nA\nA\n", CatalogueFormat::Csv);
        assert_eq!(
            twice,
            "tools:3: A stands a second time; the first is at tools:2"
        );
    }

    #[test]
    fn a_json_object_in_a_csv_field_is_checked_where_it_stands() {
        let broken = message(
            "dot_code,extra_metadata\nA,{nonsense\n",
            CatalogueFormat::Csv,
        );
        assert!(broken.starts_with("tools:2: extra_metadata"), "{broken}");
    }
}
