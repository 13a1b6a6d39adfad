//! Files of tools and candidates: read as TOML, JSON or CSV, into entries that remember where they stood.

mod csv_table;
mod entry;
mod json_document;
mod registration;
mod sample;
mod toml_document;

use std::path::Path;

use clap::ValueEnum;
use dotwrap_wrapper::ToolDefinition;

pub(crate) use entry::{CandidateEntry, ToolEntry};
pub(crate) use sample::sample;

use crate::failure::Failure;

/// How a catalogue file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CatalogueFormat {
    /// `[[tool]]` and `[[candidate]]` tables.
    Toml,
    /// An array of tools, or an object with the arrays `tool` and `candidate`.
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
    pub(crate) tools: Vec<ToolEntry>,
    pub(crate) candidates: Vec<CandidateEntry>,
}

impl Catalogue {
    /// Reads a catalogue; `source` is how messages name it.
    pub(crate) fn read(text: &str, format: CatalogueFormat, source: &str) -> Result<Self, Failure> {
        let catalogue = match format {
            CatalogueFormat::Toml => toml_document::read(text, source),
            CatalogueFormat::Json => json_document::read(text, source),
            CatalogueFormat::Csv => csv_table::read(text, source),
        }?;
        catalogue.refuse_repeated_codes()?;
        Ok(catalogue)
    }

    /// Where the entry of this code stands.
    pub(crate) fn place_of(&self, dot_code: &str) -> Option<&str> {
        self.tools
            .iter()
            .find(|entry| entry.tool.dot_code == dot_code)
            .map(|entry| entry.place.as_str())
    }

    /// The tools without their places, as the library takes them.
    pub(crate) fn definitions(&self) -> Vec<ToolDefinition> {
        self.tools.iter().map(|entry| entry.tool.clone()).collect()
    }

    /// Of two entries with one code the second would silently win.
    fn refuse_repeated_codes(&self) -> Result<(), Failure> {
        let mut seen = std::collections::BTreeMap::new();
        for ToolEntry { tool, place } in &self.tools {
            if let Some(first) = seen.insert(&tool.dot_code, place) {
                return Err(Failure::usage(format!(
                    "{place}: {} stands a second time; the first is at {first}",
                    tool.dot_code
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
        Catalogue::read(text, format, "tools").unwrap_err().message
    }

    #[test]
    fn every_entry_knows_its_place() {
        let catalogue = Catalogue::read(TWO_TOOLS, CatalogueFormat::Toml, "tools.toml").unwrap();
        assert_eq!(catalogue.place_of("B"), Some("tools.toml:4"));
        let catalogue = Catalogue::read(
            "dot_code,name\nA,a\nB,b\n",
            CatalogueFormat::Csv,
            "tools.csv",
        )
        .unwrap();
        assert_eq!(catalogue.place_of("B"), Some("tools.csv:3"));
        let catalogue = Catalogue::read(
            r#"[{"dot_code":"A"},{"dot_code":"B"}]"#,
            CatalogueFormat::Json,
            "t.json",
        )
        .unwrap();
        assert_eq!(catalogue.place_of("B"), Some("t.json: entry 2"));
    }

    #[test]
    fn the_three_formats_say_the_same() {
        let toml = "[[tool]]\ndot_code='A'\ntier='B'\n[tool.extra_metadata]\nargv=['x','y']\n";
        let json = r#"{"tool":[{"dot_code":"A","tier":"B","extra_metadata":{"argv":["x","y"]}}]}"#;
        let csv =
            "dot_code,tier,name,extra_metadata\nA,B,,\"{\"\"argv\"\":[\"\"x\"\",\"\"y\"\"]}\"\n";
        let read = |text, format| {
            Catalogue::read(text, format, "f")
                .unwrap()
                .tools
                .remove(0)
                .tool
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
