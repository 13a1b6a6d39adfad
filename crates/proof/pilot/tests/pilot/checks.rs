//! Each check fails for its own defect and for no other.

use dotwrap_pilot::{
    Check, Explanation, Fixture, Report, Subject, Verdict, digest_of, explain, verify,
};
use proptest::prelude::*;

const NAMESPACE: &str = "DRYRUN-NS:kg/explain";

fn fixture() -> Fixture {
    Fixture::pilot().unwrap()
}

fn honest() -> Explanation {
    explain(&fixture(), NAMESPACE)
}

fn report_on_bytes(output: &[u8]) -> Report {
    let subject = Subject {
        output,
        namespace: NAMESPACE,
        committed_digest: None,
    };
    verify(&fixture(), subject)
}

fn report_on(explanation: &Explanation) -> Report {
    report_on_bytes(&serde_json::to_vec(explanation).unwrap())
}

/// What an explanation fails at after a change.
fn failures_after(change: impl FnOnce(&mut Explanation)) -> Vec<(Check, Vec<String>)> {
    let mut explanation = honest();
    change(&mut explanation);
    let report = report_on(&explanation);
    assert_eq!(
        report.verdict == Verdict::Pass,
        report.failed_checks.is_empty()
    );
    report
        .failed_checks
        .into_iter()
        .map(|failed| (failed.check, failed.offending))
        .collect()
}

fn failed(check: Check, offending: &str) -> Vec<(Check, Vec<String>)> {
    vec![(check, vec![offending.to_owned()])]
}

#[test]
fn explanation_by_the_rules_passes_every_check() {
    let report = report_on(&honest());
    assert_eq!(report.verdict, Verdict::Pass);
    assert_eq!(
        report.checks,
        [
            Check::OutputReadable,
            Check::TargetReferenced,
            Check::NodesInSubgraph,
            Check::EdgesInSubgraph,
            Check::OutputInNamespace,
        ]
    );
}

#[test]
fn explanation_by_the_rules_cites_the_whole_subgraph() {
    let (explanation, fixture) = (honest(), fixture());
    assert_eq!(explanation.cited_nodes.len(), fixture.nodes.len());
    assert_eq!(explanation.cited_edges.len(), fixture.edges.len());
}

#[test]
fn another_target_or_one_that_is_not_cited_fails() {
    assert_eq!(
        failures_after(|it| it.target = "team:storefront".to_owned()),
        failed(Check::TargetReferenced, "team:storefront")
    );
    let uncited = failures_after(|it| {
        it.cited_nodes.retain(|id| *id != it.target);
        it.text = "It is what it is.".to_owned();
    });
    assert_eq!(uncited, failed(Check::TargetReferenced, "service:checkout"));
}

#[test]
fn a_node_outside_the_subgraph_fails_wherever_it_is_cited() {
    let expected = failed(Check::NodesInSubgraph, "service:billing");
    let listed = failures_after(|it| it.cited_nodes.push("service:billing".to_owned()));
    assert_eq!(listed, expected);
    let written = failures_after(|it| it.text.push_str(" See [node:service:billing]."));
    assert_eq!(written, expected);
}

#[test]
fn an_edge_outside_the_subgraph_fails_wherever_it_is_cited() {
    let expected = failed(Check::EdgesInSubgraph, "checkout-reads-orders");
    let listed = failures_after(|it| it.cited_edges.push("checkout-reads-orders".to_owned()));
    assert_eq!(listed, expected);
    let written = failures_after(|it| it.text.push_str(" See [edge:checkout-reads-orders]."));
    assert_eq!(written, expected);
}

#[test]
fn node_id_is_not_accepted_as_edge_id() {
    let swapped = failures_after(|it| it.cited_edges.push("service:checkout".to_owned()));
    assert_eq!(swapped, failed(Check::EdgesInSubgraph, "service:checkout"));
}

#[test]
fn output_outside_the_namespace_fails() {
    for place in [
        "KG:explain",
        "DRYRUN-NS:kg/explainer",
        "DRYRUN-NS:kg/explain/../../prod",
    ] {
        let expected = failed(Check::OutputInNamespace, place);
        assert_eq!(
            failures_after(|it| it.outputs.push(place.to_owned())),
            expected
        );
        assert_eq!(
            failures_after(|it| it.namespace = place.to_owned()),
            expected
        );
    }
}

#[test]
fn one_report_names_everything_that_is_wrong() {
    let failures = failures_after(|it| {
        it.target = "x".to_owned();
        it.cited_nodes.push("x".to_owned());
        it.cited_edges.push("y".to_owned());
        it.outputs.push("z".to_owned());
    });
    let checks: Vec<_> = failures.into_iter().map(|(check, _)| check).collect();
    assert_eq!(
        checks,
        [
            Check::TargetReferenced,
            Check::NodesInSubgraph,
            Check::EdgesInSubgraph,
            Check::OutputInNamespace
        ]
    );
}

#[test]
fn invalid_explanation_fails_the_readable_check() {
    let cut = &serde_json::to_vec(&honest()).unwrap()[1..];
    for output in [&b""[..], b"null", b"{}", b"\xff", cut] {
        let report = report_on_bytes(output);
        assert_eq!(report.verdict, Verdict::Fail);
        assert_eq!(report.checks, [Check::OutputReadable]);
        assert_eq!(report.failed_checks[0].check, Check::OutputReadable);
        assert_eq!(report.verified_digest, Some(digest_of(output)));
    }
}

#[test]
fn uncommitted_bytes_with_equal_meaning_fail() {
    let output = serde_json::to_vec(&honest()).unwrap();
    let committed = digest_of(&output);
    let mut tampered = output.clone();
    tampered.push(b' ');
    let verdict_on = |output: &[u8]| {
        let subject = Subject {
            output,
            namespace: NAMESPACE,
            committed_digest: Some(&committed),
        };
        verify(&fixture(), subject)
    };
    assert_eq!(verdict_on(&output).verdict, Verdict::Pass);
    let report = verdict_on(&tampered);
    assert_eq!(report.verdict, Verdict::Fail);
    assert_eq!(report.failed_checks.len(), 1);
    assert_eq!(report.failed_checks[0].check, Check::DigestMatches);
    assert_eq!(report.verified_digest, Some(digest_of(&tampered)));
}

/// An id as a citation can hold it.
fn id() -> impl Strategy<Value = String> {
    prop_oneof![
        "[^\\[\\]\\s][^\\[\\]]{0,12}[^\\[\\]\\s]",
        Just("Service:checkout".to_owned()),
        Just("service:checkout/..".to_owned()),
    ]
}

proptest! {
    #[test]
    fn any_citation_outside_the_subgraph_is_caught(
        cited in id(), is_node: bool, in_text: bool, place in 0usize..5, spelling in 0usize..3,
    ) {
        let fixture = fixture();
        let is_outside = if is_node { !fixture.has_node(&cited) } else { !fixture.has_edge(&cited) };
        prop_assume!(is_outside);
        let kind = [["node", "Node ", " NODES"], ["edge", "Edge ", " EDGES"]][usize::from(!is_node)][spelling];
        let failures = failures_after(|it| match (in_text, is_node) {
            (true, _) => {
                let place = it.text.char_indices().nth(place * 7).map_or(0, |(place, _)| place);
                it.text.insert_str(place, &format!("[{kind}:{cited}]"));
            }
            (false, true) => it.cited_nodes.insert(place.min(it.cited_nodes.len()), cited.clone()),
            (false, false) => it.cited_edges.insert(place.min(it.cited_edges.len()), cited.clone()),
        });
        let check = if is_node { Check::NodesInSubgraph } else { Check::EdgesInSubgraph };
        let named = failures.iter().any(|(failed, offending)| {
            *failed == check && offending.iter().any(|id| *id == cited.trim() || *id == cited)
        });
        prop_assert!(named, "{failures:?}");
    }

    #[test]
    fn any_flipped_bit_is_caught(place in any::<prop::sample::Index>(), bit in 0u8..8) {
        let output = serde_json::to_vec(&honest()).unwrap();
        let committed = digest_of(&output);
        let mut tampered = output.clone();
        tampered[place.index(output.len())] ^= 1 << bit;
        let subject = Subject { output: &tampered, namespace: NAMESPACE, committed_digest: Some(&committed) };
        prop_assert_eq!(verify(&fixture(), subject).verdict, Verdict::Fail);
    }

    #[test]
    fn the_verifier_is_deterministic_and_never_panics(output: Vec<u8>, namespace in ".{0,20}") {
        let subject = Subject { output: &output, namespace: &namespace, committed_digest: Some("?") };
        prop_assert_eq!(verify(&fixture(), subject), verify(&fixture(), subject));
    }
}
