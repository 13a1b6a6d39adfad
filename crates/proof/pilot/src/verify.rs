//! The verifier: equal bytes give equal reports. It checks citations and namespaces, not prose.

use std::collections::BTreeSet;

use crate::{
    Check, Citations, Explanation, Fixture, Report, Verdict, digest::is_same_digest, digest_of,
    is_within,
};

/// The input of a verification.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The producer's output, byte for byte.
    pub output: &'a [u8],
    /// The contract's namespace, which the output must stay in.
    pub namespace: &'a str,
    /// The committed digest, where the verifier has it.
    pub committed_digest: Option<&'a str>,
}

/// Verifies an output. Executes all checks, so that one report names every defect.
pub fn verify(fixture: &Fixture, subject: Subject<'_>) -> Report {
    let verified_digest = digest_of(subject.output);
    let mut report = Report {
        verdict: Verdict::Pass,
        failed_checks: Vec::new(),
        checks: Vec::new(),
        verified_digest: Some(verified_digest.clone()),
    };
    if let Some(committed) = subject.committed_digest {
        let offending = if is_same_digest(committed, &verified_digest) {
            Vec::new()
        } else {
            vec![verified_digest]
        };
        let message = "the output is not what was committed: its digest is another";
        report.note(Check::DigestMatches, message, offending);
    }
    match Explanation::from_json(subject.output) {
        Ok(explanation) => {
            report.note(Check::OutputReadable, "", Vec::new());
            check_explanation(&mut report, fixture, &explanation, subject.namespace);
        }
        Err(error) => {
            let offending = vec!["output".to_owned()];
            report.note(Check::OutputReadable, &error.to_string(), offending);
        }
    }
    report
}

fn check_explanation(
    report: &mut Report,
    fixture: &Fixture,
    explanation: &Explanation,
    namespace: &str,
) {
    let Citations { nodes, edges } = explanation.citations();
    let is_referenced = explanation.target == fixture.target && nodes.contains(&fixture.target);
    report.note(
        Check::TargetReferenced,
        "the target is not what is explained, or is not cited",
        if is_referenced {
            Vec::new()
        } else {
            vec![explanation.target.clone()]
        },
    );
    report.note(
        Check::NodesInSubgraph,
        "nodes are cited that are not in the subgraph",
        without(&nodes, |id| fixture.has_node(id)),
    );
    report.note(
        Check::EdgesInSubgraph,
        "edges are cited that are not in the subgraph",
        without(&edges, |id| fixture.has_edge(id)),
    );
    let places: BTreeSet<String> = explanation
        .outputs
        .iter()
        .chain([&explanation.namespace])
        .cloned()
        .collect();
    report.note(
        Check::OutputInNamespace,
        "something was put outside the namespace",
        without(&places, |name| is_within(namespace, name)),
    );
}

fn without(names: &BTreeSet<String>, is_fine: impl Fn(&str) -> bool) -> Vec<String> {
    names
        .iter()
        .filter(|name| !is_fine(name))
        .cloned()
        .collect()
}
