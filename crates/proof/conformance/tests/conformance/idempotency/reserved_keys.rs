//! Keys of the forms that the contract derives are refused from callers.

use rstest_reuse::apply;
use serde_json::json;

use super::calls::keyed_run;
use crate::common::backend::on_each_backend;
use crate::common::fixtures::{CANDIDATE, OTHER_PRODUCER, PRODUCER, VERIFIER};
use crate::common::{Backend, Call, TestContext, code, contents, rows, text};

/// Keys of the forms that the contract derives for requests and backfills.
const RESERVED: [&str; 4] = [
    "request:",
    "request:00000000-0000-7000-8000-000000000000",
    "backfill:",
    "backfill:of anything",
];

#[apply(on_each_backend)]
async fn recording_functions_refuse_keys_of_reserved_forms(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, superuser) = (stage.client("observer").await, stage.superuser().await);
    let run = text(&observer, &Call::run().text("p_dot_code", PRODUCER).sql()).await;
    let before = contents(&superuser).await;
    for key in RESERVED {
        let row = json!([{"dot_code": PRODUCER, "process_candidate_code": CANDIDATE, "correlation_id": "c", "idempotency_key": key}]);
        for call in [
            Call::pair().text("p_idempotency_key", key),
            Call::pair()
                .text("p_idempotency_key", key)
                .text("p_wrapper_status", "failed"),
            Call::run().text("p_idempotency_key", key),
            Call::component(&run).text("p_idempotency_key", key),
            Call::component(&run).text("p_idempotency_key", &format!("{key}:{PRODUCER}")),
            Call::backfill(&row),
        ] {
            assert_eq!(
                code(&observer, &call.sql()).await,
                "key_reserved",
                "{}",
                call.sql()
            );
        }
    }
    contents(&superuser)
        .await
        .assert_same(&before, "a reserved key");
    for key in ["request", "requests:1", "Request:1", "my request:1"] {
        rows(&observer, &Call::run().text("p_idempotency_key", key).sql()).await;
    }
}

#[apply(on_each_backend)]
async fn component_observe_refuses_a_derived_key_of_another_header(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, superuser) = (stage.client("observer").await, stage.superuser().await);
    let keyed = text(&observer, &keyed_run().sql()).await;
    let unkeyed = text(&observer, &Call::run().text("p_dot_code", PRODUCER).sql()).await;
    let before = contents(&superuser).await;
    for (run, key) in [
        (&unkeyed, format!("tomorrow:{PRODUCER}")),
        (&unkeyed, format!("key:{PRODUCER}")),
        (&unkeyed, format!(":{OTHER_PRODUCER}")),
        (&unkeyed, format!("a:b:{VERIFIER}")),
        (&keyed, format!("tomorrow:{PRODUCER}")),
        (&keyed, format!("key:{VERIFIER}")),
    ] {
        let call = Call::component(run).text("p_idempotency_key", &key).sql();
        assert_eq!(code(&observer, &call).await, "key_reserved", "{call}");
    }
    contents(&superuser)
        .await
        .assert_same(&before, "a derived key of another header");
    for (run, key) in [
        (&keyed, format!("key:{PRODUCER}")),
        (&unkeyed, "cron:2026-01-01".to_owned()),
    ] {
        let call = Call::component(run).text("p_idempotency_key", &key).sql();
        let first = text(&observer, &call).await;
        assert_eq!(text(&observer, &call).await, first);
    }
}
