//! Pairs of tools: each names the other, in the table and in concurrent imports.

use rstest_reuse::apply;
use serde_json::json;

use super::entries::tool;
use crate::common::backend::on_each_version;
use crate::common::fixtures::{OTHER_PRODUCER, PRODUCER, VERIFIER, import};
use crate::common::{Backend, Call, TestContext, code, execute, number, rows};

#[apply(on_each_version)]
async fn pairs_can_be_exchanged_in_one_import(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (operator, observer) = (
        stage.client("operator").await,
        stage.client("observer").await,
    );
    let crossed = json!([
        tool(PRODUCER, Some(("DOT_COPY_VERIFY", "producer"))),
        tool("DOT_COPY_VERIFY", Some((PRODUCER, "verifier"))),
        tool(OTHER_PRODUCER, Some((VERIFIER, "producer"))),
        tool(VERIFIER, Some((OTHER_PRODUCER, "verifier"))),
    ]);
    rows(&operator, &import(&crossed).sql()).await;
    let mutual = number(&operator, "SELECT count(*) FROM dot.v_dot_tool a JOIN dot.v_dot_tool b ON b.dot_code = a.paired_dot AND b.paired_dot = a.dot_code AND a.pair_role <> b.pair_role").await;
    assert_eq!(mutual, 4);
    // The roles can be exchanged too.
    let turned = json!([
        tool(PRODUCER, Some(("DOT_COPY_VERIFY", "verifier"))),
        tool("DOT_COPY_VERIFY", Some((PRODUCER, "producer")))
    ]);
    rows(&operator, &import(&turned).sql()).await;
    assert_eq!(code(&observer, &Call::pair().sql()).await, "not_a_producer");
}

#[apply(on_each_version)]
async fn the_table_itself_keeps_pairs_mutual(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let superuser = stage.superuser().await;
    for wrong in [
        "INSERT INTO dot.dot_tools (dot_code, name, tier, paired_dot, pair_role) VALUES ('DOT_X', 'x', 'A', 'DOT_NOWHERE', 'producer')",
        "INSERT INTO dot.dot_tools (dot_code, name, tier, paired_dot, pair_role) VALUES ('DOT_X', 'x', 'A', 'DOT_X', 'producer')",
        "INSERT INTO dot.dot_tools (dot_code, name, tier, paired_dot, pair_role) VALUES ('DOT_X', 'x', 'A', 'DOT_BACKUP_VERIFY', 'producer')",
        "INSERT INTO dot.dot_tools (dot_code, name, tier, paired_dot, pair_role) VALUES ('DOT_X', 'x', 'A', 'DOT_Y', 'producer'), ('DOT_Y', 'y', 'A', 'DOT_X', 'producer')",
        "INSERT INTO dot.dot_tools (dot_code, name, tier, paired_dot) VALUES ('DOT_X', 'x', 'A', 'DOT_BACKUP')",
        "INSERT INTO dot.dot_tools (dot_code, name, tier) VALUES ('DOT:X', 'x', 'A')",
        "INSERT INTO dot.dot_tools (dot_code, name, tier) VALUES ('DOT_X', 'x', 'C')",
        "INSERT INTO dot.dot_tools (dot_code, name, tier, execution_engine) VALUES ('DOT_X', 'x', 'A', 'ssh')",
        "UPDATE dot.dot_tools SET pair_role = 'producer' WHERE dot_code = 'DOT_BACKUP_VERIFY'",
        "UPDATE dot.dot_tools SET paired_dot = NULL, pair_role = NULL WHERE dot_code = 'DOT_BACKUP_VERIFY'",
        "DELETE FROM dot.dot_tools WHERE dot_code = 'DOT_BACKUP'",
    ] {
        assert!(superuser.batch_execute(wrong).await.is_err(), "{wrong}");
    }
    execute(&superuser, "INSERT INTO dot.dot_tools (dot_code, name, tier, paired_dot, pair_role) VALUES ('DOT_X', 'x', 'A', 'DOT_Y', 'producer'), ('DOT_Y', 'y', 'A', 'DOT_X', 'verifier')").await;
}

#[apply(on_each_version)]
async fn concurrent_imports_do_not_break_a_pair(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let clients = stage.clients("operator", 6).await;
    // Three producers compete for two verifiers.
    let outcomes =
        futures_util::future::join_all(clients.iter().enumerate().map(|(number, client)| {
            let (producer, verifier) = (
                format!("DOT_P{}", number % 3),
                format!("DOT_V{}", number % 2),
            );
            let tools = json!([
                tool(&producer, Some((&verifier, "producer"))),
                tool(&verifier, Some((&producer, "verifier")))
            ]);
            async move { crate::common::ask(client, &import(&tools).sql()).await }
        }))
        .await;
    assert!(outcomes.iter().any(Result::is_ok));
    for error in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
        assert_eq!(crate::common::Refusal::of(error).code, "tool_invalid");
    }
    let broken = number(&clients[0], "SELECT count(*) FROM dot.v_dot_tool a LEFT JOIN dot.v_dot_tool b ON b.dot_code = a.paired_dot AND b.paired_dot = a.dot_code WHERE a.paired_dot IS NOT NULL AND b.dot_code IS NULL").await;
    assert_eq!(broken, 0);
}
