//! What the producer makes: an explanation of the target, and what it rests on.
//!
//! ```json
//! {
//!   "format": "dotwrap-kg-explanation/1",
//!   "namespace": "DRYRUN-NS:kg/explain",
//!   "target": "service:checkout",
//!   "cited_nodes": ["service:checkout", "team:storefront"],
//!   "cited_edges": ["storefront-owns-checkout"],
//!   "text": "Storefront [node:team:storefront] owns Checkout [edge:storefront-owns-checkout].",
//!   "outputs": ["DRYRUN-NS:kg/explain/service:checkout"]
//! }
//! ```
//!
//! `text` may cite on its own, as `[node:ID]` and `[edge:ID]`; that counts like an entry of the lists. `outputs` names
//! everything that was put anywhere. No member may be missing and none may be added: what a verifier does not know, it
//! could not check.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// The only format there is.
pub const EXPLANATION_FORMAT: &str = "dotwrap-kg-explanation/1";

/// An explanation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Explanation {
    /// [`EXPLANATION_FORMAT`].
    pub format: String,
    /// Where the explanation belongs.
    pub namespace: String,
    /// The node that it explains.
    pub target: String,
    /// The nodes that it rests on.
    pub cited_nodes: Vec<String>,
    /// The edges that it rests on.
    pub cited_edges: Vec<String>,
    /// The explanation itself.
    pub text: String,
    /// The names of everything that was put anywhere.
    pub outputs: Vec<String>,
}

/// Everything that an explanation cites, in its lists and in its text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Citations {
    /// Ids of nodes.
    pub nodes: BTreeSet<String>,
    /// Ids of edges.
    pub edges: BTreeSet<String>,
}

/// Bytes that are no explanation.
#[derive(Debug, thiserror::Error)]
pub enum ExplanationError {
    /// They have another shape.
    #[error("the output does not have the shape of an explanation: {0}")]
    Shape(#[from] serde_json::Error),
    /// They have the shape, in another format's name.
    #[error("the output's format is not {EXPLANATION_FORMAT}")]
    Format,
}

impl Explanation {
    /// Reads an explanation. A member that is there twice is refused like one that is missing.
    ///
    /// # Errors
    /// [`ExplanationError`].
    pub fn from_json(json: &[u8]) -> Result<Self, ExplanationError> {
        let explanation: Self = serde_json::from_slice(json)?;
        if explanation.format == EXPLANATION_FORMAT {
            Ok(explanation)
        } else {
            Err(ExplanationError::Format)
        }
    }

    /// Everything that it cites.
    pub fn citations(&self) -> Citations {
        let mut citations = Citations {
            nodes: self.cited_nodes.iter().cloned().collect(),
            edges: self.cited_edges.iter().cloned().collect(),
        };
        for (place, _) in self.text.match_indices('[') {
            let inside = self.text[place + 1..].split(']').next().unwrap_or_default();
            // Read as generously as a person would: a citation in odd spelling is still one that has to hold.
            let Some((kind, id)) = inside.split_once(':') else {
                continue;
            };
            let id = id.trim().to_owned();
            match kind.trim().to_lowercase().as_str() {
                "node" | "nodes" => citations.nodes.insert(id),
                "edge" | "edges" => citations.edges.insert(id),
                _ => continue,
            };
        }
        citations
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saying(text: &str) -> Explanation {
        Explanation {
            format: EXPLANATION_FORMAT.to_owned(),
            namespace: "NS".to_owned(),
            target: "t".to_owned(),
            cited_nodes: vec!["t".to_owned()],
            cited_edges: vec![],
            text: text.to_owned(),
            outputs: vec![],
        }
    }

    fn set(ids: &[&str]) -> BTreeSet<String> {
        ids.iter().map(|&id| id.to_owned()).collect()
    }

    #[test]
    fn the_text_s_citations_count() {
        let citations =
            saying("a [node:a:b] and [ Edge : c ], [else:x], [[node:d]] [node:e").citations();
        assert_eq!(citations.nodes, set(&["t", "a:b", "d", "e"]));
        assert_eq!(citations.edges, set(&["c"]));
    }

    #[test]
    fn a_member_too_many_too_few_or_twice_is_refused() {
        let honest = serde_json::to_string(&saying("x")).unwrap();
        assert!(Explanation::from_json(honest.as_bytes()).is_ok());
        for wrong in [
            honest.replace("\"text\"", "\"prose\""),
            honest.replacen('{', "{\"more\":1,", 1),
            honest.replacen('{', "{\"target\":\"t\",", 1),
            honest.replace("/1", "/2"),
            format!("{honest} x"),
        ] {
            assert!(Explanation::from_json(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
