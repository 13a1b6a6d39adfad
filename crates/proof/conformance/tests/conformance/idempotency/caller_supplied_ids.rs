//! Run and component ids that the caller supplies.

use rstest_reuse::apply;
use serde_json::json;

use super::calls::{ids, keyed_pair};
use crate::common::backend::on_each_backend;
use crate::common::fixtures::OTHER_PRODUCER;
use crate::common::{Backend, Call, TestContext, contents, refused, row, rows, text};

#[apply(on_each_backend)]
async fn existing_id_from_the_caller_is_refused(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, superuser) = (stage.client("observer").await, stage.superuser().await);
    let id = "11111111-1111-4111-8111-111111111111";
    let with_id = Call::pair().text("p_process_run_id", id);
    rows(&observer, &with_id.sql()).await;
    let component = row(
        &observer,
        "SELECT producer_component_run_id AS id FROM dot.v_process_run",
    )
    .await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let another_run = text(&observer, &Call::run().sql()).await;
    let before = contents(&superuser).await;
    for again in [
        with_id.clone(),
        with_id.clone().text("p_idempotency_key", "a new key"),
        with_id.clone().text("p_dot_code", OTHER_PRODUCER),
        Call::run().text("p_process_run_id", id),
        Call::run()
            .text("p_process_run_id", id)
            .text("p_idempotency_key", "a new key"),
        Call::component(&another_run).text("p_component_run_id", &component),
        Call::component(&another_run)
            .text("p_component_run_id", &component)
            .text("p_idempotency_key", "a new key"),
    ] {
        let refusal = refused(&observer, &again.sql()).await;
        assert_eq!(
            (refusal.code.as_str(), refusal.sqlstate.as_str()),
            ("id_in_use", "23505"),
            "{}",
            again.sql()
        );
    }
    contents(&superuser)
        .await
        .assert_same(&before, "an id in use");
}

#[apply(on_each_backend)]
async fn id_from_the_caller_is_returned_again_with_its_key(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    let with_id = keyed_pair()
        .text("p_process_run_id", "11111111-1111-4111-8111-111111111111")
        .sql();
    let first = row(&observer, &with_id).await;
    let again = row(&observer, &with_id).await;
    assert_eq!(
        (ids(&again), &again["created"]),
        (ids(&first), &json!(false))
    );
}
