//! Cursors of the caller and of the contract, which a check can neither read nor move.

use rstest_reuse::apply;

use super::queries::PREFLIGHT;
use crate::common::backend::on_each_version;
use crate::common::fixtures::register_check;
use crate::common::run_calls::ready;
use crate::common::{Backend, Call, TestContext, execute, refused, row, text, value};

/// A check could fetch from or close the caller's cursor, so none runs while one is open.
#[apply(on_each_version)]
async fn no_check_runs_while_a_cursor_is_open(backend: Backend) {
    let (stage, mut runner, _operator, superuser) = ready(backend).await;
    for attempt in [
        "EXECUTE 'FETCH 3 FROM ours'",
        "EXECUTE 'CLOSE ours'",
        "EXECUTE 'CLOSE ALL'",
    ] {
        let body = format!("BEGIN {attempt}; RETURN 0; END");
        register_check(&superuser, "hostile", &body, "WARN", "0").await;
        let transaction = runner.transaction().await.unwrap();
        execute(
            &transaction,
            "DECLARE ours CURSOR FOR SELECT generate_series(1, 4)",
        )
        .await;
        assert_eq!(row(&transaction, PREFLIGHT).await["status"], "BLOCK");
        let rows = transaction.query("FETCH ALL FROM ours", &[]).await.unwrap();
        assert_eq!(rows.len(), 4, "{attempt}");
        transaction.rollback().await.unwrap();
        let transaction = runner.transaction().await.unwrap();
        execute(
            &transaction,
            "DECLARE ours CURSOR FOR SELECT generate_series(1, 4)",
        )
        .await;
        let refusal = refused(&transaction, &Call::pair().sql()).await;
        assert_eq!(refusal.code, "preflight_blocked", "{attempt}");
        assert!(refusal.message.contains("ours"), "{}", refusal.message);
        transaction.rollback().await.unwrap();
    }
    // The portal of the call itself is not counted as an open cursor.
    register_check(&superuser, "hostile", "BEGIN RETURN 0; END", "WARN", "0").await;
    let transaction = runner.transaction().await.unwrap();
    let portal = transaction.bind(PREFLIGHT, &[]).await.unwrap();
    let answers = transaction.query_portal(&portal, 0).await.unwrap();
    assert_eq!(answers[0].get::<_, String>("status"), "PASS");
    transaction.rollback().await.unwrap();
    drop(stage);
}

/// The list of checks is read before the first check runs, so that no check can skip another one.
#[apply(on_each_version)]
async fn check_hides_no_other_check(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, reader) = (stage.superuser().await, stage.client("reader").await);
    let list = "SELECT string_agg(check_name, ' ' ORDER BY check_name) FROM dot.fn_dot_preflight()";
    register_check(&superuser, "a_hostile", "BEGIN RETURN 0; END", "WARN", "0").await;
    let before = text(&reader, list).await;
    let body = "DECLARE n text; BEGIN
        FOR n IN SELECT name FROM pg_cursors WHERE name <> '' LOOP
          BEGIN EXECUTE format('FETCH ALL FROM %I', n); EXCEPTION WHEN OTHERS THEN NULL; END;
        END LOOP; RETURN 0; END";
    register_check(&superuser, "a_hostile", body, "WARN", "0").await;
    assert_eq!(text(&reader, list).await, before);
}

/// A loop over a query is an unnamed cursor. The contract has none open while a check runs; one of the caller blocks.
#[apply(on_each_version)]
async fn check_moves_no_unnamed_cursor(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, mut observer) = (stage.superuser().await, stage.client("observer").await);
    let moves = "BEGIN
        EXECUTE (SELECT format('MOVE FORWARD 5 IN %I', c.name) FROM pg_cursors c WHERE c.name LIKE '<unnamed portal%' LIMIT 1);
        RETURN 0;
      EXCEPTION WHEN OTHERS THEN RETURN 0; END";
    register_check(&superuser, "hostile", moves, "BLOCK", "0").await;
    let backfill = "SELECT dot.fn_process_backfill((SELECT jsonb_agg(jsonb_build_object('dot_code', 'DOT_BACKUP',
          'process_candidate_code', 'PROC-CAND:old', 'correlation_id', 'old-' || n)) FROM generate_series(1, 40) n),
        'ann', 'ticket:1', repeat('0', 64))";
    assert_eq!(value(&observer, backfill).await, 40);
    let transaction = observer.transaction().await.unwrap();
    execute(
        &transaction,
        "DO $$ DECLARE v_open refcursor; BEGIN OPEN v_open FOR SELECT 1; END $$",
    )
    .await;
    assert_eq!(row(&transaction, PREFLIGHT).await["status"], "BLOCK");
}
