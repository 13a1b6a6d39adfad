//! Claims: their order, the pairs they skip, and concurrent workers.

use rstest_reuse::apply;
use serde_json::{Value, json};
use tokio_postgres::Client;

use super::calls::{
    claim_call, claim_next, expected_state, request_call, request_state, returns_true,
};
use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::{CANDIDATE, OTHER_PRODUCER, OTHER_VERIFIER, import};
use crate::common::run_calls::ready;
use crate::common::{Backend, Call, execute, literal, number, rows, text};

#[apply(on_each_version)]
async fn requests_are_claimed_in_due_order_and_not_before(backend: Backend) {
    let (_stage, runner, operator, superuser) = ready(backend).await;
    bind_other(&operator).await;
    let later = request_call().with("p_not_before", "clock_timestamp() + interval '1 hour'");
    let later = text(&runner, &later.sql()).await;
    // A due time in the past does not overtake other requests.
    let first = text(&runner, &request_call().sql()).await;
    let yesterday = request_call()
        .text("p_dot_code", OTHER_PRODUCER)
        .with("p_not_before", "clock_timestamp() - interval '1 day'");
    let second = text(&runner, &yesterday.sql()).await;
    assert_eq!(claim_next(&runner).await.request, first);
    assert_eq!(claim_next(&runner).await.request, second);
    execute(
        &superuser,
        "UPDATE dot.dot_run_request SET not_before = clock_timestamp() WHERE state = 'waiting'",
    )
    .await;
    assert_eq!(
        rows(&runner, &claim_call().sql()).await,
        [] as [Value; 0],
        "its pair is claimed"
    );
    assert_eq!(
        request_state(&runner, &later).await,
        expected_state("waiting", None, None, None)
    );
}

/// Registers contracts of the other pair.
async fn bind_other(operator: &Client) {
    for dot_code in [OTHER_PRODUCER, OTHER_VERIFIER] {
        bind_one(operator, dot_code).await;
    }
}

async fn bind_one(operator: &Client, dot_code: &str) {
    let contract = json!({"dot_code": dot_code, "mode": "REAL_RUN", "endpoint_ref": "command:x"});
    let call = Call::new("fn_dot_contract_set")
        .with(
            "p_contract",
            format!("{}::jsonb", literal(&contract.to_string())),
        )
        .text("p_actor", "operator");
    rows(operator, &call.sql()).await;
}

#[apply(on_each_version)]
async fn claim_skips_pairs_with_a_held_lease(backend: Backend) {
    let (_stage, runner, operator, superuser) = ready(backend).await;
    bind_other(&operator).await;
    text(&runner, &request_call().sql()).await;
    let token = text(&runner, &Call::acquire(60).sql()).await;
    assert_eq!(rows(&runner, &claim_call().sql()).await, [] as [Value; 0]);
    let other = request_call().text("p_dot_code", OTHER_PRODUCER);
    let other = text(&runner, &other.sql()).await;
    assert_eq!(claim_next(&runner).await.request, other);
    let release = Call::lease("fn_dot_iu_runtime_lease_release").text("p_token", &token);
    assert!(returns_true(&runner, &release.sql()).await);
    claim_next(&runner).await;
    let claimed = "SELECT count(*) FROM dot.dot_run_request WHERE state = 'claimed'";
    assert_eq!(number(&superuser, claimed).await, 2);
}

#[apply(on_each_backend)]
async fn sixteen_workers_never_share_a_request_nor_a_pair(backend: Backend) {
    const WORKERS: usize = 16;
    let (stage, runner, operator, superuser) = ready(backend).await;
    // Sixteen pairs with two requests each, and sixteen workers.
    let mut tools = Vec::new();
    for pair in 0..WORKERS {
        let (producer, verifier) = (format!("P{pair}"), format!("V{pair}"));
        for (code, paired, role) in [
            (&producer, &verifier, "producer"),
            (&verifier, &producer, "verifier"),
        ] {
            tools.push(json!({"dot_code": code, "name": code, "tier": "A", "paired_dot": paired, "pair_role": role,
                "extra_metadata": {"process_candidate_code": CANDIDATE}}));
        }
    }
    rows(&operator, &import(&Value::from(tools)).sql()).await;
    for pair in 0..WORKERS {
        for dot_code in [format!("P{pair}"), format!("V{pair}")] {
            bind_one(&operator, &dot_code).await;
        }
        for _ in 0..2 {
            let asked = request_call().text("p_dot_code", &format!("P{pair}"));
            rows(&runner, &asked.sql()).await;
        }
    }
    let workers = stage.clients("runner", WORKERS).await;
    let claim = claim_call().sql();
    let claims = futures_of(&workers, |worker| {
        let claim = claim.clone();
        async move {
            // A worker that finds every pair locked by other workers tries again.
            for _ in 0..100 {
                if let Some(row) = rows(worker, &claim).await.pop() {
                    return row;
                }
            }
            panic!("nothing to claim")
        }
    })
    .await;
    let distinct = |field: &str| {
        let values = claims.iter().map(|claim| claim[field].to_string());
        values.collect::<std::collections::BTreeSet<_>>().len()
    };
    assert_eq!(distinct("request_id"), WORKERS);
    assert_eq!(distinct("claim_token"), WORKERS);
    assert_eq!(distinct("dot_code"), WORKERS, "a pair has one claim");
    // All workers claim the one pair that is left: one of them gets it.
    execute(
        &superuser,
        "UPDATE dot.dot_run_request SET claimed_until = clock_timestamp() + interval '1 hour' WHERE dot_code <> 'P7';
         DELETE FROM dot.dot_run_request WHERE dot_code = 'P7' AND state = 'claimed'",
    )
    .await;
    let got = futures_of(&workers, |worker| rows(worker, &claim)).await;
    assert_eq!(got.iter().flatten().count(), 1);
}

/// Runs one future per worker at the same time.
async fn futures_of<'a, T, F: Future<Output = T>>(
    workers: &'a [Client],
    what: impl Fn(&'a Client) -> F,
) -> Vec<T> {
    futures_util::future::join_all(workers.iter().map(what)).await
}

#[apply(on_each_version)]
async fn claim_uses_partial_index_only(backend: Backend) {
    let (_stage, runner, _operator, superuser) = ready(backend).await;
    execute(
        &superuser,
        "INSERT INTO dot.dot_run_request (request_id, dot_code, process_candidate_code, mode, correlation_id, actor, requested_at, not_before, state, outcome, refusal_code, finished_at, lease_name)
         SELECT gen_random_uuid(), 'DOT_BACKUP', 'c', 'REAL_RUN', 'c', 'a', now(), now(), 'finished', 'refused', 'busy', now(), 'dot_exec:DOT_BACKUP' FROM generate_series(1, 20000);
         ANALYZE dot.dot_run_request",
    )
    .await;
    text(&runner, &request_call().sql()).await;
    claim_next(&runner).await;
    let read = "SELECT seq_tup_read::bigint FROM pg_stat_xact_user_tables WHERE relname = 'dot_run_request'";
    let mut runner = runner;
    let transaction = runner.transaction().await.unwrap();
    rows(&transaction, &claim_call().sql()).await;
    assert_eq!(number(&transaction, read).await, 0);
    let fetched = "SELECT idx_tup_fetch::bigint FROM pg_stat_xact_user_tables WHERE relname = 'dot_run_request'";
    assert!(number(&transaction, fetched).await < 10);
}
