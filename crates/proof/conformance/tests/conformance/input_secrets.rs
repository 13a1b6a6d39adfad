//! Inputs whose address has a password: they would be shown to every reader.

use rstest_reuse::apply;

use crate::common::backend::on_each_version;
use crate::common::run_calls::{begin, ready};
use crate::common::{Backend, Call, code, rows};

#[apply(on_each_version)]
async fn an_input_with_a_password_is_refused(backend: Backend) {
    let (_stage, runner, _operator, _superuser) = ready(backend).await;
    let simulated = Call::new("fn_process_pair_observe")
        .text("p_dot_code", "DOT_BACKUP")
        .text("p_process_candidate_code", "PROC-CAND:dot:backup")
        .text("p_correlation_id", "c")
        .text("p_actor", "a");
    let request = Call::new("fn_dot_run_request")
        .text("p_dot_code", "DOT_BACKUP")
        .text("p_process_candidate_code", "PROC-CAND:dot:backup")
        .text("p_correlation_id", "c")
        .text("p_actor", "a")
        .text("p_mode", "REAL_RUN");
    for call in [begin("REAL_RUN"), simulated, request] {
        for secret in [
            "postgresql://ana:geheim@db.example/orders",
            "HTTPS://:geheim@example.org/",
            "rest:https://u:p@backup.example/repo",
        ] {
            let call = call.clone().text("p_input_ref", secret);
            assert_eq!(
                code(&runner, &call.sql()).await,
                "input_has_secret",
                "{secret}"
            );
        }
        for harmless in [
            "postgresql://ana@db.example/orders",
            "/backups/a:b@c",
            "https://example.org/a:b@c",
            "https://example.org:80/?q=u:p@h",
        ] {
            let call = call.clone().text("p_input_ref", harmless).sql();
            runner.batch_execute("BEGIN").await.unwrap();
            rows(&runner, &call).await;
            runner.batch_execute("ROLLBACK").await.unwrap();
        }
        let allowed = call
            .text("p_input_ref", "postgresql://ana:geheim@db.example/orders")
            .with("p_allow_secret_input", "true");
        runner.batch_execute("BEGIN").await.unwrap();
        rows(&runner, &allowed.sql()).await;
        runner.batch_execute("ROLLBACK").await.unwrap();
    }
}
