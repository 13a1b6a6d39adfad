//! No function depends on the lock under which commits write to the cluster's notification queue: any login can hold it
//! for seconds.

use rstest_reuse::apply;

use crate::common::backend::on_each_backend;
use crate::common::run_calls::ready;
use crate::common::{Backend, Call, execute, number, text};

const GATE: &str = "process_dot_runtime.real_run_enabled";
const LOCKED: &str =
    "SELECT count(*) FROM pg_locks l WHERE l.locktype = 'object' AND l.database = 0
    AND l.classid = 'pg_database'::regclass AND l.objid = 0 AND l.granted";

/// A gate closes beside a commit of many notifications, and does not wait for it.
#[apply(on_each_backend)]
async fn gate_closes_while_a_flood_of_notifications_commits(backend: Backend) {
    let (stage, _runner, operator, superuser) = ready(backend).await;
    let flooder = stage.client("reader").await;
    let mut was_beside_the_flood = false;
    // The operator would give up at once where it had to wait.
    execute(&operator, "SET lock_timeout = '10ms'").await;
    for attempt in 1..=10 {
        let notifications = 20_000 * attempt;
        execute(
            &flooder,
            &format!(
                "BEGIN; DO $$ BEGIN FOR i IN 1..{notifications} LOOP PERFORM pg_notify('flood', repeat('a', 7900) || i); END LOOP; END $$"
            ),
        )
        .await;
        let closing = async {
            for _ in 0..10_000 {
                if number(&superuser, LOCKED).await > 0 {
                    break;
                }
            }
            execute(&operator, "BEGIN").await;
            text(&operator, &Call::gate(GATE, "false").sql()).await;
            execute(&operator, "COMMIT").await;
            number(&superuser, LOCKED).await > 0
        };
        let (was_locked, ()) = tokio::join!(closing, execute(&flooder, "COMMIT"));
        if was_locked {
            was_beside_the_flood = true;
            break;
        }
    }
    assert!(was_beside_the_flood, "no commit took long enough");
    assert_eq!(
        text(&operator, "SELECT dot.fn_process_dot_posture()").await,
        "DRY_RUN_ONLY"
    );
}
