//! Texts at their limits fit into index entries, or are refused.

use rstest_reuse::apply;
use serde_json::json;

use crate::common::backend::on_each_version;
use crate::common::fixtures::{CANDIDATE, import};
use crate::common::{Backend, Call, TestContext, contents, refused, row, rows};

/// A text of four bytes per character that does not compress: the longest possible index entry.
fn incompressible_text(length: u32, seed: u32) -> String {
    (0..length)
        .map(|n| char::from_u32(0x1_0000 + (n * 7919 + seed) % 0xFFF0).unwrap())
        .collect()
}

#[apply(on_each_version)]
async fn the_longest_texts_fit_their_indexes(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, operator) = (
        stage.client("observer").await,
        stage.client("operator").await,
    );
    let texts = |call: Call| {
        call.text("p_correlation_id", &incompressible_text(500, 4))
            .text("p_process_candidate_code", &incompressible_text(200, 5))
    };
    // With a DOT code of at most 500 bytes.
    let keyed = texts(Call::pair()).text("p_idempotency_key", &incompressible_text(500, 3));
    let first = row(&observer, &keyed.sql()).await;
    let again = row(&observer, &keyed.sql()).await;
    assert_eq!(again["process_run_id"], first["process_run_id"]);
    // The longest code fits with a key of up to 425 characters.
    let (producer, verifier) = (incompressible_text(200, 1), incompressible_text(200, 2));
    let tool = |code: &str, pair: &str, role: &str| json!({"dot_code": code, "name": "n", "tier": "A", "paired_dot": pair, "pair_role": role});
    let pair = json!([
        tool(&producer, &verifier, "producer"),
        tool(&verifier, &producer, "verifier")
    ]);
    rows(&operator, &import(&pair).sql()).await;
    let longest = texts(Call::pair()).text("p_dot_code", &producer);
    for call in [
        longest.clone(),
        longest.text("p_idempotency_key", &incompressible_text(425, 6)),
    ] {
        assert_eq!(row(&observer, &call.sql()).await["created"], true);
    }
}

#[apply(on_each_version)]
async fn a_key_that_does_not_fit_its_index_together_with_the_code_is_refused(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, operator, superuser) = (
        stage.client("observer").await,
        stage.client("operator").await,
        stage.superuser().await,
    );
    let (code, key) = (incompressible_text(200, 1), incompressible_text(500, 3));
    let lone = json!([{"dot_code": code, "name": "n", "tier": "A", "paired_dot": "DOT_V", "pair_role": "producer"},
        {"dot_code": "DOT_V", "name": "n", "tier": "A", "paired_dot": code, "pair_role": "verifier"}]);
    rows(&operator, &import(&lone).sql()).await;
    let pair = Call::pair()
        .text("p_dot_code", &code)
        .text("p_idempotency_key", &key);
    let asserted = json!([{"dot_code": code, "process_candidate_code": CANDIDATE, "correlation_id": "old", "idempotency_key": key}]);
    let before = contents(&superuser).await;
    for call in [pair, Call::backfill(&asserted)] {
        let refusal = refused(&observer, &call.sql()).await;
        assert_eq!(refusal.code, "text_too_long");
    }
    contents(&superuser)
        .await
        .assert_same(&before, "a key that does not fit");
}
