//! Backfilled evidence.

use dotwrap_wrapper::{
    BackfillProgress, BackfillSource, EvidenceType, RefusalCode, RunFilter, Rung, Wrapper,
};
use serde_json::{Value as Json, json};

use crate::support::{CANDIDATE, PRODUCER, code, installed};

fn source() -> BackfillSource {
    BackfillSource {
        source_ref: "file:runs.jsonl".to_owned(),
        source_sha256: "ab".repeat(32),
    }
}

fn row(number: usize) -> Json {
    json!({
        "dot_code": PRODUCER,
        "process_candidate_code": CANDIDATE,
        "correlation_id": format!("old-{number}"),
        "ended_at": "2020-01-01T00:00:00Z",
        "host": "db7",
    })
}

async fn import(wrapper: &Wrapper, rows: usize) -> BackfillProgress {
    let mut backfill = wrapper.backfill(source(), None);
    for number in 0..rows {
        backfill.push(row(number)).await.unwrap();
    }
    backfill.finish().await.unwrap()
}

#[tokio::test]
async fn more_rows_than_one_call_takes_are_all_written_and_only_once() {
    let (_database, wrapper) = installed().await;
    let first = import(&wrapper, 1201).await;
    assert_eq!((first.rows, first.written), (1201, 1201));
    let again = import(&wrapper, 1201).await;
    assert_eq!((again.rows, again.written), (1201, 0));
}

#[tokio::test]
async fn backfilled_rows_name_their_source_and_count_only_as_backfilled() {
    let (_database, wrapper) = installed().await;
    import(&wrapper, 1).await;
    let runs = wrapper.runs(&RunFilter::default(), 10).await.unwrap().runs;
    assert_eq!(runs[0].evidence_type, EvidenceType::BackfilledEvidence);
    assert_eq!(runs[0].evidence_ref["source_ref"], "file:runs.jsonl");
    assert_eq!(runs[0].evidence_ref["asserted"]["host"], "db7");
    assert_eq!(
        runs[0].ended_at.unwrap().to_string(),
        "2020-01-01T00:00:00Z"
    );
    let ladder = wrapper.candidate_statuses().await.unwrap();
    assert_eq!(ladder[0].candidate_status_v3, Rung::BackfilledObserved);
}

#[tokio::test]
async fn invalid_row_is_named_and_its_batch_is_not_written() {
    let (_database, wrapper) = installed().await;
    let mut backfill = wrapper.backfill(source(), None);
    backfill.push(row(1)).await.unwrap();
    backfill
        .push(json!({"dot_code": PRODUCER, "status": "splendid"}))
        .await
        .unwrap();
    let error = backfill.finish().await.unwrap_err();
    let refusal = error.refusal().unwrap();
    assert_eq!(refusal.code, RefusalCode::BackfillRowInvalid);
    assert_eq!(refusal.detail["row"], 2);
    assert!(
        wrapper
            .runs(&RunFilter::default(), 10)
            .await
            .unwrap()
            .runs
            .is_empty()
    );
    assert_eq!(wrapper.refusals(10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn empty_backfill_still_needs_a_source() {
    let (_database, wrapper) = installed().await;
    assert_eq!(
        wrapper.backfill(source(), None).finish().await.unwrap(),
        BackfillProgress::default()
    );
    let nameless = BackfillSource {
        source_ref: String::new(),
        ..source()
    };
    assert_eq!(
        code(wrapper.backfill(nameless, None).finish().await),
        RefusalCode::SourceRequired
    );
}
