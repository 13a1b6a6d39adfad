//! JSON outputs, held against the contract's schemas.

use std::{fs, path::Path};

use dotwrap_invoke::{Failure, Unusable};
use jsonschema::Validator;
use serde_json::Value as Json;

/// The largest output that is read as JSON, in bytes: what is checked against a schema is held in memory.
pub(crate) const LARGEST_JSON: u64 = 16 << 20;

/// How many findings are reported.
const MOST_FINDINGS: usize = 5;

/// How long a finding may be, in characters: it quotes the schema, and names members.
const LONGEST_FINDING: usize = 200;

/// A schema that was understood.
#[derive(Debug)]
pub(crate) struct Schema(Validator);

impl Schema {
    /// Reads a schema of a contract. References to other documents are not followed: nothing is fetched for a check.
    pub(crate) fn read(
        which: &'static str,
        schema: Option<&Json>,
    ) -> Result<Option<Self>, Unusable> {
        let Some(schema) = schema.filter(|schema| !schema.is_null()) else {
            return Ok(None);
        };
        jsonschema::validator_for(schema)
            .map(|validator| Some(Self(validator)))
            .map_err(|error| {
                Unusable::new(
                    "schema_invalid",
                    format!("{which} is no JSON Schema: {error}"),
                )
                .hint("references to other documents are not followed")
            })
    }

    /// Holds a file against it.
    pub(crate) fn check(&self, file: &Path) -> Result<(), Failure> {
        let json = read_json(file)?;
        let findings: Vec<String> = self
            .0
            .iter_errors(&json)
            .take(MOST_FINDINGS)
            .map(|error| {
                // The values of the output stay in its file: they may be secrets.
                let finding = format!("{}: {}", error.instance_path(), error.masked());
                finding.chars().take(LONGEST_FINDING).collect()
            })
            .collect();
        if findings.is_empty() {
            return Ok(());
        }
        Err(Failure::new(
            "schema_mismatch",
            format!(
                "the output breaks the contract's schema: {}",
                findings.join("; ")
            ),
        ))
    }
}

fn read_json(file: &Path) -> Result<Json, Failure> {
    let not_json = |reason: String| {
        Failure::new(
            "schema_mismatch",
            format!("the contract wants JSON, and the output is none: {reason}"),
        )
    };
    let kind = fs::metadata(file).map_err(|error| not_json(error.to_string()))?;
    if !kind.is_file() || kind.len() > LARGEST_JSON {
        return Err(not_json(format!(
            "it is no file of at most {LARGEST_JSON} bytes"
        )));
    }
    let bytes = fs::read(file).map_err(|error| not_json(error.to_string()))?;
    serde_json::from_slice(&bytes).map_err(|error| not_json(error.to_string()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn checked(schema: Json, output: &str) -> Result<(), Failure> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("output.json");
        fs::write(&file, output).unwrap();
        Schema::read("expected_output_schema", Some(&schema))
            .unwrap()
            .unwrap()
            .check(&file)
    }

    #[test]
    fn an_output_that_fits_passes_and_another_is_named() {
        let schema = json!({"type": "object", "required": ["rows"], "properties": {"rows": {"type": "integer"}}});
        checked(schema.clone(), r#"{"rows": 3}"#).unwrap();
        let failure = checked(schema.clone(), r#"{"rows": "three"}"#).unwrap_err();
        assert_eq!(failure.code, "schema_mismatch");
        assert!(failure.message.contains("/rows"), "{}", failure.message);
        assert!(checked(schema, "no json").is_err());
    }

    #[test]
    fn a_finding_does_not_quote_the_output() {
        let schema = json!({"properties": {"rows": {"type": "integer"}, "name": {"const": "a"}}});
        let failure = checked(schema, r#"{"rows": "secret-1", "name": "secret-2"}"#).unwrap_err();
        assert!(failure.message.contains("/rows"), "{}", failure.message);
        assert!(!failure.message.contains("secret"), "{}", failure.message);
    }

    #[test]
    fn what_is_no_schema_or_refers_elsewhere_is_not_used() {
        for schema in [
            json!({"type": "nonsense"}),
            json!({"$ref": "https://example.org/schema.json"}),
            json!({"$ref": "file:///etc/passwd"}),
        ] {
            let refused = Schema::read("expected_output_schema", Some(&schema)).unwrap_err();
            assert_eq!(refused.code, "schema_invalid");
        }
        assert!(
            Schema::read("expected_output_schema", Some(&Json::Null))
                .unwrap()
                .is_none()
        );
    }
}
