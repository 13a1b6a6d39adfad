//! The status model: the pure function compared with the database.

use dotwrap_wrapper::{EvidenceType, Posture, RefusalCode, Wrapper, WrapperStatus};
use proptest::{prelude::*, sample::select};
use strum::VariantArray;

use crate::support::{call, installed, open_gates};

/// What the design says of a pair call in a posture: refused, or stored.
fn refused(
    status: WrapperStatus,
    asked: EvidenceType,
    dry_run: bool,
    posture: Posture,
) -> Option<RefusalCode> {
    match status.effective_evidence(asked) {
        EvidenceType::SimulatedDryRun => None,
        EvidenceType::BackfilledEvidence => Some(RefusalCode::BackfillOnly),
        EvidenceType::RealRun if dry_run => Some(RefusalCode::DryRunContradiction),
        EvidenceType::RealRun if posture != Posture::RealRun => Some(RefusalCode::RealRunDisabled),
        EvidenceType::DryRun if posture == Posture::NoExecute => Some(RefusalCode::NoExecute),
        EvidenceType::RealRun | EvidenceType::DryRun => Some(RefusalCode::InvocationRequired),
    }
}

/// Every combination, in the posture that holds, by the one call and by the steps.
async fn every_combination_is_as_the_design_says(wrapper: &Wrapper) {
    let posture = wrapper.posture().await.unwrap();
    for &status in WrapperStatus::VARIANTS {
        for &asked in EvidenceType::VARIANTS {
            for dry_run in [true, false] {
                let call = call()
                    .wrapper_status(status)
                    .evidence_type(asked)
                    .dry_run(dry_run);
                let case = format!("{status} {asked} dry_run={dry_run} in {posture}");
                let expected = refused(status, asked, dry_run, posture);

                let entered = wrapper.enter(call.clone()).await;
                let entered = entered
                    .err()
                    .and_then(|error| error.refusal().map(|it| it.code.clone()));
                assert_eq!(entered, expected, "entering: {case}");

                let outcome = wrapper.observe_pair(&call).await;
                let Ok(record) = outcome else {
                    let code = outcome
                        .err()
                        .and_then(|error| error.refusal().map(|it| it.code.clone()));
                    assert_eq!(code, expected, "{case}");
                    continue;
                };
                assert_eq!(None, expected, "{case}");
                let stored = status.stored(asked);
                assert_eq!(record.status, stored.header, "{case}");
                assert_eq!(record.evidence_type, stored.evidence_type, "{case}");
                let components = wrapper.components_of(record.process_run_id).await.unwrap();
                assert_eq!(components.len(), 2, "{case}");
                for component in components {
                    assert_eq!(component.status, stored.component, "{case}");
                    assert_eq!(component.evidence_type, stored.evidence_type, "{case}");
                    for (tag, value) in &stored.evidence_tags {
                        assert_eq!(&component.evidence_ref[tag], value, "{case}");
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn as_shipped_every_status_and_evidence_type_is_stored_or_refused_as_designed() {
    let (_database, wrapper) = installed().await;
    every_combination_is_as_the_design_says(&wrapper).await;
}

#[tokio::test]
async fn with_open_gates_the_wrapper_still_cannot_claim_an_execution() {
    let (_database, wrapper) = installed().await;
    open_gates(&wrapper, false).await;
    assert_eq!(wrapper.posture().await.unwrap(), Posture::DryRunOnly);
    every_combination_is_as_the_design_says(&wrapper).await;
    open_gates(&wrapper, true).await;
    assert_eq!(wrapper.posture().await.unwrap(), Posture::RealRun);
    every_combination_is_as_the_design_says(&wrapper).await;
}

proptest! {
    #[test]
    fn stored_status_never_exceeds_the_requested_status(
        status in select(WrapperStatus::VARIANTS),
        asked in select(EvidenceType::VARIANTS),
    ) {
        let stored = status.stored(asked);
        let weaker = stored.evidence_type == EvidenceType::SimulatedDryRun;
        prop_assert!(stored.evidence_type == asked || weaker);
        // Only what was prepared is lowered, and it says what was asked.
        prop_assert_eq!(
            stored.evidence_tags.get("requested_evidence_type").is_some(),
            status == WrapperStatus::Prepared
        );
        prop_assert_eq!(
            stored.evidence_tags.contains_key("skipped"),
            status == WrapperStatus::Skipped
        );
    }
}
