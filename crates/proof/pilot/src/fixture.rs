//! What is to be explained: a target and the subgraph around it.
//!
//! ```json
//! {
//!   "format": "dotwrap-kg-fixture/1",
//!   "namespace": "DRYRUN-NS:kg/explain",
//!   "target": "service:checkout",
//!   "nodes": [{"id": "service:checkout", "kind": "service", "label": "Checkout"}],
//!   "edges": [{"id": "storefront-owns-checkout", "from": "team:storefront", "relation": "owns", "to": "service:checkout"}]
//! }
//! ```
//!
//! `target` is one of `nodes`; both ends of every edge are too; ids are unique among nodes and among edges, are not
//! blank and hold no `]`, which ends a citation. `namespace` is where a dry run's output goes; what a verifier holds an
//! output to is the namespace of its contract.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// The only format there is.
pub const FIXTURE_FORMAT: &str = "dotwrap-kg-fixture/1";

/// A target and a subgraph.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fixture {
    /// [`FIXTURE_FORMAT`].
    pub format: String,
    /// Where a dry run's output goes.
    pub namespace: String,
    /// The node that is to be explained.
    pub target: String,
    /// The subgraph's nodes, the target among them.
    pub nodes: Vec<Node>,
    /// The subgraph's edges.
    pub edges: Vec<Edge>,
}

/// A thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// What it is cited by.
    pub id: String,
    /// What sort of thing it is.
    pub kind: String,
    /// Its name, for people.
    pub label: String,
}

/// How one thing relates to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edge {
    /// What it is cited by.
    pub id: String,
    /// The id of the node where it begins.
    pub from: String,
    /// The verb between the two.
    pub relation: String,
    /// The id of the node where it ends.
    pub to: String,
}

/// Why a fixture cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FixtureError {
    /// It has another shape.
    #[error("the fixture does not have the shape of one: {0}")]
    Shape(#[from] serde_json::Error),
    /// It has the shape, and contradicts itself.
    #[error("the fixture contradicts itself: {0}")]
    Contradiction(String),
}

impl Fixture {
    /// Reads a fixture and looks whether it holds together.
    ///
    /// # Errors
    /// [`FixtureError`].
    pub fn from_json(json: &[u8]) -> Result<Self, FixtureError> {
        let fixture: Self = serde_json::from_slice(json)?;
        match fixture.contradiction() {
            Some(what) => Err(FixtureError::Contradiction(what)),
            None => Ok(fixture),
        }
    }

    /// The pilot's own, as the catalogue has it.
    ///
    /// # Errors
    /// None, as a test makes sure.
    pub fn pilot() -> Result<Self, FixtureError> {
        Self::from_json(include_bytes!(
            "../../../../catalogue/fixtures/kg_explain.json"
        ))
    }

    /// Whether the subgraph has a node of this id.
    pub fn has_node(&self, id: &str) -> bool {
        self.node(id).is_some()
    }

    /// Whether the subgraph has an edge of this id.
    pub fn has_edge(&self, id: &str) -> bool {
        self.edges.iter().any(|edge| edge.id == id)
    }

    pub(crate) fn node(&self, id: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.id == id)
    }

    fn contradiction(&self) -> Option<String> {
        if self.format != FIXTURE_FORMAT {
            return Some(format!("its format is not {FIXTURE_FORMAT}"));
        }
        if !self.has_node(&self.target) {
            return Some(format!("its target {} is none of its nodes", self.target));
        }
        let nodes = self.nodes.iter().map(|node| node.id.as_str());
        let edges = self.edges.iter().map(|edge| edge.id.as_str());
        if let Some(id) = unusable_id(nodes).or_else(|| unusable_id(edges)) {
            return Some(format!("the id {id:?} is blank, there twice, or has a `]`"));
        }
        let ends = self.edges.iter().flat_map(|edge| [&edge.from, &edge.to]);
        ends.into_iter()
            .find(|end| !self.has_node(end))
            .map(|end| format!("an edge ends at {end}, which is none of its nodes"))
    }
}

fn unusable_id<'a>(mut ids: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mut seen = BTreeSet::new();
    ids.find(|id| id.trim() != *id || id.is_empty() || id.contains(']') || !seen.insert(*id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pilot_s_has_a_target_four_nodes_and_four_edges() {
        let fixture = Fixture::pilot().unwrap();
        assert_eq!((fixture.nodes.len(), fixture.edges.len()), (4, 4));
        assert!(fixture.has_node(&fixture.target));
        assert!(fixture.namespace.starts_with("DRYRUN-NS:"));
    }

    #[test]
    fn one_that_contradicts_itself_is_refused() {
        type Change = fn(&mut Fixture);
        let changes: [Change; 6] = [
            |fixture| fixture.format.push('x'),
            |fixture| fixture.target.push('x'),
            |fixture| fixture.nodes[1].id.push(']'),
            |fixture| fixture.nodes.push(fixture.nodes[1].clone()),
            |fixture| fixture.edges.push(fixture.edges[0].clone()),
            |fixture| fixture.edges[2].to.push('x'),
        ];
        for (place, change) in changes.into_iter().enumerate() {
            let mut fixture = Fixture::pilot().unwrap();
            change(&mut fixture);
            let read = Fixture::from_json(&serde_json::to_vec(&fixture).unwrap());
            assert!(
                matches!(read, Err(FixtureError::Contradiction(_))),
                "{place}: {read:?}"
            );
        }
    }
}
