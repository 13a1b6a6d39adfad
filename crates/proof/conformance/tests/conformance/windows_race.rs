//! A closing and the receipt of a verifier at the same time: the receipt comes first, or is refused.

use rstest_reuse::apply;
use serde_json::json;

use crate::common::backend::on_each_version;
use crate::common::fixtures::set_posture;
use crate::common::run_calls::ready;
use crate::common::{Backend, Call, Refusal, ask, number, row, rows};
use crate::windows::{may_continue, produced};

const REAL: &str = "process_dot_runtime.real_run_enabled";
const ROUNDS: i64 = 12;

#[apply(on_each_version)]
async fn verifiers_receipt_precedes_the_closing_or_is_refused(backend: Backend) {
    let (_stage, runner, operator, superuser) = ready(backend).await;
    let mut granted = 0;
    for round in 0..ROUNDS {
        let run = produced(&runner, "REAL_RUN").await;
        let (receipt, closing) = (run.invocation().sql(), Call::gate(REAL, "false").sql());
        let receipt_first = round % 2 == 0;
        let (asked, closed) = if receipt_first {
            tokio::join!(ask(&runner, &receipt), ask(&operator, &closing))
        } else {
            let (closed, asked) = tokio::join!(ask(&operator, &closing), ask(&runner, &receipt));
            (asked, closed)
        };
        closed.unwrap();
        match asked {
            Ok(_) => granted += 1,
            Err(error) => assert_eq!(Refusal::of(&error).code, "run_stopped"),
        }
        assert_eq!(may_continue(&runner, &run).await, false);
        rows(&runner, &run.conclusion("cancelled").sql()).await;
        set_posture(&operator, "REAL_RUN").await;
    }
    // Of each receipt that was granted the closing knew: none is void, and none is numbered behind a closing.
    let found = row(
        &superuser,
        "SELECT count(*) AS receipts, count(*) FILTER (WHERE v.posture <> 'REAL_RUN') AS under_closed_gates,
           count(*) FILTER (WHERE EXISTS (SELECT FROM dot.dot_config_history h WHERE h.value = 'false'
             AND h.key = 'process_dot_runtime.real_run_enabled'
             AND h.change_number > p.begun_change_number AND h.change_number <= v.begun_change_number)) AS behind_one
         FROM dot.dot_invocation v JOIN dot.dot_invocation p USING (process_run_id)
         WHERE v.component_role = 'verifier' AND p.component_role = 'producer'",
    )
    .await;
    assert_eq!(
        found,
        json!({"receipts": granted, "under_closed_gates": 0, "behind_one": 0})
    );
    let void = "SELECT count(*) FROM dot.v_dot_void_receipt";
    assert_eq!(number(&superuser, void).await, 0);
}
