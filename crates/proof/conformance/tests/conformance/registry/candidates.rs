//! Candidates: registration and change.

use rstest_reuse::apply;
use serde_json::json;

use crate::common::backend::on_each_backend;
use crate::common::{Backend, Call, TestContext, row, rows, text};

#[apply(on_each_backend)]
async fn a_candidate_is_registered_and_changed(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let operator = stage.client("operator").await;
    let set = Call::new("fn_process_candidate_set")
        .text("p_process_candidate_code", "C")
        .text("p_title", "title")
        .text("p_owner", "ann")
        .text("p_actor", "operator");
    assert_eq!(text(&operator, &set.sql()).await, "C");
    let stored = row(
        &operator,
        "SELECT process_candidate_code, title, owner FROM dot.v_process_candidate",
    )
    .await;
    assert_eq!(
        stored,
        json!({"process_candidate_code": "C", "title": "title", "owner": "ann"})
    );
    // NULL keeps the stored value, so that setting an owner keeps the title.
    for (owner, title, expected) in [
        ("NULL", "NULL", json!({"title": "title", "owner": "ann"})),
        ("'bob'", "NULL", json!({"title": "title", "owner": "bob"})),
        ("NULL", "'other'", json!({"title": "other", "owner": "bob"})),
        ("' '", "''", json!({"title": "", "owner": null})),
    ] {
        let change = set.clone().with("p_owner", owner).with("p_title", title);
        rows(&operator, &change.sql()).await;
        let stored = row(
            &operator,
            "SELECT title, owner FROM dot.v_process_candidate",
        )
        .await;
        assert_eq!(stored, expected, "{owner}, {title}");
    }
}
