//! Files of tools, candidates, fixtures and contracts: read as TOML, JSON or CSV, into entries that remember where they
//! stood.
//!
//! ```text
//! file ─► Catalogue ─► CatalogueDefinition ─► fn_dot_catalogue_import
//!         toml_document.rs, json_document.rs, csv_table.rs; sample.rs has the built-in one
//! plan.rs  what an import does, and what it refuses
//! ```

#![forbid(unsafe_code)]

mod beside;
mod csv_table;
mod entry;
mod fixture;
mod json_document;
mod plan;
mod sample;
mod toml_document;

use std::path::Path;

use dotwrap_wrapper::{
    CandidateDefinition, CatalogueDefinition, CatalogueKind, ContractDefinition, FixtureDefinition,
    ToolDefinition,
};

pub use beside::FileSource;
pub use entry::Entry;
pub use plan::{Plan, UncallableContract};
pub use sample::sample;

use dotwrap_app::Problem;

/// How a catalogue file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
pub enum CatalogueFormat {
    /// `[[tool]]`, `[[candidate]]`, `[[fixture]]` and `[[contract]]` tables.
    Toml,
    /// An array of tools, or an object with the arrays `tool`, `candidate`, `fixture` and `contract`.
    Json,
    /// One tool a line under a header line; `extra_metadata` is a JSON object.
    Csv,
}

impl CatalogueFormat {
    /// The format that a file's name says.
    pub fn of_path(path: &Path) -> Result<Self, Problem> {
        let extension = path
            .extension()
            .map(|extension| extension.to_string_lossy().to_lowercase());
        match extension.as_deref() {
            Some("toml") => Ok(Self::Toml),
            Some("json") => Ok(Self::Json),
            Some("csv") => Ok(Self::Csv),
            _ => Err(Problem::usage(format!(
                "the name {} does not say how the file is written",
                path.display()
            ))
            .hint("name it .toml, .json or .csv, or add --format toml|json|csv")),
        }
    }
}

/// What a catalogue file holds.
#[derive(Debug, Default)]
pub struct Catalogue {
    /// Tools, in the order of the file.
    pub tools: Vec<Entry<ToolDefinition>>,
    /// Candidates.
    pub candidates: Vec<Entry<CandidateDefinition>>,
    /// Fixtures.
    pub fixtures: Vec<Entry<FixtureDefinition>>,
    /// Contracts.
    pub contracts: Vec<Entry<ContractDefinition>>,
}

impl Catalogue {
    /// Reads a catalogue; `source` is how messages name it, `beside` is where its fixtures' files are.
    pub fn read(
        text: &str,
        format: CatalogueFormat,
        source: &str,
        beside: &FileSource,
    ) -> Result<Self, Problem> {
        match format {
            CatalogueFormat::Toml => toml_document::read(text, source, beside),
            CatalogueFormat::Json => json_document::read(text, source, beside),
            CatalogueFormat::Csv => csv_table::read(text, source),
        }
    }

    /// Where an entry stands: the number is its kind's, from 1.
    pub fn location_of(&self, kind: CatalogueKind, number: usize) -> Option<&str> {
        let index = number.checked_sub(1)?;
        match kind {
            CatalogueKind::Tool => place(&self.tools, index),
            CatalogueKind::Candidate => place(&self.candidates, index),
            CatalogueKind::Fixture => place(&self.fixtures, index),
            CatalogueKind::Contract => place(&self.contracts, index),
        }
    }

    /// The entries without their places, as the library takes them.
    pub fn definition(&self) -> CatalogueDefinition {
        CatalogueDefinition {
            tool: describe(&self.tools),
            candidate: describe(&self.candidates),
            fixture: describe(&self.fixtures),
            contract: describe(&self.contracts),
        }
    }

    /// Whether it names anything else than contracts.
    pub fn names_more_than_contracts(&self) -> bool {
        !(self.tools.is_empty() && self.candidates.is_empty() && self.fixtures.is_empty())
    }

    /// Its contracts alone.
    pub fn contracts_alone(self) -> Self {
        Self {
            contracts: self.contracts,
            ..Self::default()
        }
    }

    /// Adds what another catalogue holds.
    fn extend(&mut self, other: Self) {
        self.tools.extend(other.tools);
        self.candidates.extend(other.candidates);
        self.fixtures.extend(other.fixtures);
        self.contracts.extend(other.contracts);
    }
}

fn place<Said>(entries: &[Entry<Said>], index: usize) -> Option<&str> {
    entries.get(index).map(|entry| entry.place.as_str())
}

fn describe<Said: Clone>(entries: &[Entry<Said>]) -> Vec<Said> {
    entries.iter().map(|entry| entry.said.clone()).collect()
}

#[cfg(test)]
mod tests {
    use crate::*;

    const TWO_TOOLS: &str =
        "[[tool]]\ndot_code = \"A\"\n\n[[tool]]\ndot_code = \"B\"\nname = \"b\"\n";

    fn message(text: &str, format: CatalogueFormat) -> String {
        Catalogue::read(text, format, "tools", &FileSource::Nowhere)
            .unwrap_err()
            .message
    }

    #[test]
    fn every_entry_knows_its_place() {
        let catalogue = Catalogue::read(
            TWO_TOOLS,
            CatalogueFormat::Toml,
            "tools.toml",
            &FileSource::Nowhere,
        )
        .unwrap();
        assert_eq!(
            catalogue.location_of(CatalogueKind::Tool, 2),
            Some("tools.toml:4")
        );
        let catalogue = Catalogue::read(
            "dot_code,name\nA,a\nB,b\n",
            CatalogueFormat::Csv,
            "tools.csv",
            &FileSource::Nowhere,
        )
        .unwrap();
        assert_eq!(
            catalogue.location_of(CatalogueKind::Tool, 2),
            Some("tools.csv:3")
        );
        let catalogue = Catalogue::read(
            r#"[{"dot_code":"A"},{"dot_code":"B"}]"#,
            CatalogueFormat::Json,
            "t.json",
            &FileSource::Nowhere,
        )
        .unwrap();
        assert_eq!(
            catalogue.location_of(CatalogueKind::Tool, 2),
            Some("t.json: entry 2")
        );
    }

    #[test]
    fn the_three_formats_say_the_same() {
        let toml = "[[tool]]\ndot_code='A'\ntier='B'\n[tool.extra_metadata]\nargv=['x','y']\n";
        let json = r#"{"tool":[{"dot_code":"A","tier":"B","extra_metadata":{"argv":["x","y"]}}]}"#;
        let csv =
            "dot_code,tier,name,extra_metadata\nA,B,,\"{\"\"argv\"\":[\"\"x\"\",\"\"y\"\"]}\"\n";
        let read = |text, format| {
            Catalogue::read(text, format, "f", &FileSource::Nowhere)
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
    fn a_json_object_in_a_csv_field_is_checked_where_it_stands() {
        let broken = message(
            "dot_code,extra_metadata\nA,{nonsense\n",
            CatalogueFormat::Csv,
        );
        assert!(broken.starts_with("tools:2: extra_metadata"), "{broken}");
    }
}
