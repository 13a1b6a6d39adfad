//! Explaining by rules: every edge that is reachable from the target becomes a sentence. No judgement, no model, no
//! chance.

use std::collections::{BTreeSet, VecDeque};

use crate::{EXPLANATION_FORMAT, Edge, Explanation, Fixture};

/// Explains a fixture's target for a namespace. The same fixture gives the same explanation.
pub fn explain(fixture: &Fixture, namespace: &str) -> Explanation {
    let edges = reachable(fixture);
    let mut cited_nodes = vec![fixture.target.clone()];
    for end in edges.iter().flat_map(|edge| [&edge.from, &edge.to]) {
        if !cited_nodes.contains(end) {
            cited_nodes.push(end.clone());
        }
    }
    Explanation {
        format: EXPLANATION_FORMAT.to_owned(),
        namespace: namespace.to_owned(),
        target: fixture.target.clone(),
        cited_nodes,
        cited_edges: edges.iter().map(|edge| edge.id.clone()).collect(),
        text: text(fixture, &edges),
        outputs: vec![format!("{namespace}/{}", fixture.target)],
    }
}

/// The edges around the target, the nearest first, each once.
fn reachable(fixture: &Fixture) -> Vec<&Edge> {
    let mut waiting = VecDeque::from([fixture.target.as_str()]);
    let mut seen = BTreeSet::from([fixture.target.as_str()]);
    let mut found: Vec<&Edge> = Vec::new();
    while let Some(node) = waiting.pop_front() {
        for edge in &fixture.edges {
            if edge.from != node && edge.to != node {
                continue;
            }
            if !found.contains(&edge) {
                found.push(edge);
            }
            for end in [edge.from.as_str(), edge.to.as_str()] {
                if seen.insert(end) {
                    waiting.push_back(end);
                }
            }
        }
    }
    found
}

fn text(fixture: &Fixture, edges: &[&Edge]) -> String {
    let label = |id: &str| {
        fixture
            .node(id)
            .map_or_else(|| id.to_owned(), |node| node.label.clone())
    };
    let target = &fixture.target;
    let kind = fixture.node(target).map_or("thing", |node| &node.kind);
    let mut sentences = vec![format!("{} is a {kind} [node:{target}].", label(target))];
    sentences.extend(edges.iter().map(|edge| {
        format!(
            "{} {} {} [edge:{}].",
            label(&edge.from),
            edge.relation,
            label(&edge.to),
            edge.id
        )
    }));
    sentences.join(" ")
}
