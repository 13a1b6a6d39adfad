//! What counts as a producer's output: the key `output` of an invocation.

use dotwrap_invoke::UnsupportedContract;
use dotwrap_supervisor::invalid;
use dotwrap_types::ComponentRole;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::{
    output_path::OutputPath,
    reference::{RawReference, ReferenceFields},
};

/// What counts as the tool's output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OutputSource {
    /// What is in `{output}` when it has ended.
    File,
    /// What it printed.
    Stdout,
    /// What is at a path that the contract names. In a dry run, at one in the call's folder.
    Path(OutputPath),
    /// What it printed is one JSON document, and says where the work is.
    Reference(ReferenceFields),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPath {
    path: String,
}

const FORMS: &str = "output: write \"file\", \"stdout\", { path = \"/…\" } or { reference = \"stdout\", fields = { … } }";

impl OutputSource {
    /// Reads the key. Without one, a producer whose contract names `{output}` writes a file.
    ///
    /// # Errors
    /// `invocation_invalid`.
    pub(crate) fn read(
        role: ComponentRole,
        written: Option<&Json>,
        time_zone: Option<&str>,
        names_output: bool,
    ) -> Result<Self, UnsupportedContract> {
        let unreadable = |error: serde_json::Error| invalid(format!("output: {error}"));
        let source = match written {
            None if names_output && role == ComponentRole::Producer => Self::File,
            None => Self::Stdout,
            Some(Json::String(word)) if word == "file" => Self::File,
            Some(Json::String(word)) if word == "stdout" => Self::Stdout,
            Some(Json::Object(keys)) if keys.contains_key("path") => {
                let raw = RawPath::deserialize(Json::Object(keys.clone())).map_err(unreadable)?;
                Self::Path(OutputPath::read(&raw.path, time_zone)?)
            }
            Some(Json::Object(keys)) if keys.contains_key("reference") => {
                let raw = RawReference::deserialize(Json::Object(keys.clone()));
                Self::Reference(raw.map_err(unreadable)?.read()?)
            }
            Some(_) => return Err(invalid(FORMS)),
        };
        match (role, source) {
            (ComponentRole::Verifier, Self::Stdout) => Ok(Self::Stdout),
            (ComponentRole::Verifier, _) => Err(invalid(
                "output: a verifier's output is what it prints; `{output}` is the producer's",
            )),
            (ComponentRole::Producer, source) => Ok(source),
        }
    }

    /// Whether it is what the tool printed.
    pub(crate) fn is_printed(&self) -> bool {
        matches!(self, Self::Stdout | Self::Reference(_))
    }

    /// The word for it in the evidence.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Stdout => "stdout",
            Self::Path(_) => "path",
            Self::Reference(_) => "reference",
        }
    }
}
