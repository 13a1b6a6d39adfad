//! A change that meets an uncommitted change is refused as busy.

use rstest_reuse::apply;

use crate::common::backend::on_each_version;
use crate::common::{Backend, Call, TestContext, contents, rows};

#[apply(on_each_version)]
async fn concurrent_uncommitted_change_is_refused_as_busy(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, mut slow, operator) = (
        stage.superuser().await,
        stage.client("operator").await,
        stage.client("operator").await,
    );
    let gate = Call::gate("process_dot_runtime.execute_enabled", "false").sql();
    let uncommitted = slow.transaction().await.unwrap();
    rows(&uncommitted, &gate).await;
    let before = contents(&superuser).await;
    let refusal = crate::common::refused(&operator, &gate).await;
    assert_eq!(
        (refusal.code.as_str(), refusal.sqlstate.as_str()),
        ("busy", "55P03")
    );
    contents(&superuser).await.assert_same(&before, "busy");
}
