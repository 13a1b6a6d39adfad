//! Validates JSON outputs against the contract's schemas.

use std::{
    io::{self, Read},
    path::Path,
    sync::Arc,
};

use dotwrap_invoke::{Failure, ReadLimit, UnsupportedContract, open_file};
use jsonschema::{ValidationError, Validator};
use serde_json::Value as Json;

/// The size limit of an output to validate, in bytes: it is held in memory.
pub(crate) const MAX_JSON_BYTES: u64 = 16 << 20;

/// The number of findings that are reported.
const MAX_FINDINGS: usize = 5;

/// The length limit of a finding, in characters: it quotes the schema and names members.
const MAX_FINDING_CHARS: usize = 200;

/// For a larger output only the first finding is searched: there may be millions, all held in memory.
const LARGEST_WITH_ALL_FINDINGS: usize = 1 << 20;

/// A parsed schema. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Schema(Arc<Validator>);

impl Schema {
    /// Parses a contract's schema. References to other documents are not followed: a check fetches nothing.
    pub(crate) fn read(
        which: &'static str,
        schema: Option<&Json>,
    ) -> Result<Option<Self>, UnsupportedContract> {
        let Some(schema) = schema.filter(|schema| !schema.is_null()) else {
            return Ok(None);
        };
        jsonschema::validator_for(schema)
            .map(|validator| Some(Self(Arc::new(validator))))
            .map_err(|error| {
                UnsupportedContract::new(
                    "schema_invalid",
                    format!("{which} is no JSON Schema: {error}"),
                )
                .hint("references to other documents are not followed")
            })
    }

    /// Validates a file.
    pub(crate) fn check(&self, file: &Path, limit: &ReadLimit) -> Result<(), Failure> {
        let text = read(file, limit)?;
        let json: Json =
            serde_json::from_slice(&text).map_err(|error| not_json(error.to_string()))?;
        limit.check().map_err(|error| not_json(error.to_string()))?;
        let findings: Vec<String> = if text.len() > LARGEST_WITH_ALL_FINDINGS {
            let first = self.0.validate(&json).err();
            first.iter().map(finding).collect()
        } else {
            let findings = self.0.iter_errors(&json).take(MAX_FINDINGS);
            findings.map(|error| finding(&error)).collect()
        };
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

/// Findings do not quote the output, which may contain secrets.
fn finding(error: &ValidationError<'_>) -> String {
    let finding = format!("{}: {}", error.instance_path(), error.masked());
    finding.chars().take(MAX_FINDING_CHARS).collect()
}

fn read(path: &Path, limit: &ReadLimit) -> Result<Vec<u8>, Failure> {
    let unreadable = |error: io::Error| not_json(error.to_string());
    let file = open_file(path).map_err(unreadable)?;
    let file = file.ok_or_else(|| not_json("it is no file".to_owned()))?;
    let mut bytes = Vec::new();
    let mut source = limit.reader(file).take(MAX_JSON_BYTES + 1);
    source.read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_JSON_BYTES {
        let message = format!("it is larger than {MAX_JSON_BYTES} bytes");
        return Err(not_json(message));
    }
    Ok(bytes)
}

fn not_json(reason: String) -> Failure {
    Failure::new(
        "schema_mismatch",
        format!("the contract wants JSON, and the output is none: {reason}"),
    )
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;

    fn checked(schema: Json, output: &str) -> Result<(), Failure> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("output.json");
        fs::write(&file, output).unwrap();
        Schema::read("expected_output_schema", Some(&schema))
            .unwrap()
            .unwrap()
            .check(&file, &ReadLimit::none())
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

    /// With all findings in memory this would take gigabytes.
    #[test]
    fn first_finding_of_a_huge_output_is_enough() {
        let schema = json!({"items": {"type": "string"}});
        let output = format!("[{}1]", "1,".repeat(7 << 20));
        let failure = checked(schema, &output).unwrap_err();
        assert_eq!(failure.code, "schema_mismatch");
        assert!(failure.message.contains("/0: "), "{}", failure.message);
    }

    #[test]
    fn a_finding_does_not_quote_the_output() {
        let schema = json!({"properties": {"rows": {"type": "integer"}, "name": {"const": "a"}}});
        let failure = checked(schema, r#"{"rows": "secret-1", "name": "secret-2"}"#).unwrap_err();
        assert!(failure.message.contains("/rows"), "{}", failure.message);
        assert!(!failure.message.contains("secret"), "{}", failure.message);
    }

    #[test]
    fn invalid_schema_or_external_reference_is_refused() {
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
