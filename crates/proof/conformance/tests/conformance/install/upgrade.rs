//! An upgrade results in the same schema as a fresh installation, and keeps the records.

use dotwrap_contract::{InstallOptions, apply, contract_digest, files, plan};
use futures_util::future::join_all;
use rstest_reuse::apply as on;
use serde_json::json;

use super::{catalogue_of, empty, fresh_catalogue, options, quoted, repairing, works};
use crate::common::backend::on_each_version;
use crate::common::catalogue::assert_same;
use crate::common::fixtures::{CANDIDATE, PRODUCER};
use crate::common::forged_run::ExecutedRun;
use crate::common::{Backend, Call, TestContext, ask, execute, number, row, rows, run_calls};

/// The script of an older release that had only the first migrations: their tables, the record of them, and what every
/// release has had from the first, by which an installer reads what is there.
fn older_release(script: &str, migrations: usize, options: &InstallOptions) -> String {
    let mut sections = script.split("\n-- sql/");
    let head = sections.next().unwrap();
    let tables: Vec<&str> = sections
        .take_while(|section| section.starts_with("tables/"))
        .collect();
    assert_eq!(tables.len(), files("tables/").len());
    let (_, tail) = script
        .split_once("\n-- What this installation is now")
        .unwrap();
    let tables: String = tables[..migrations]
        .iter()
        .map(|section| format!("\n-- sql/{section}"))
        .collect();
    let (schema, archiver) = (
        quoted(&options.schema),
        quoted(&format!("{}_archiver", options.role_prefix)),
    );
    let record = files("views/")
        .into_iter()
        .find(|file| file.text.contains("VIEW v_dot_installation"))
        .unwrap();
    // Which cluster it is was recorded only later.
    let is_recorded = tables.contains("ADD COLUMN system_identifier");
    let as_it_was = |text: &str| {
        let later = [
            (",\n  r.system_identifier", ""),
            (", system_identifier)", ")"),
            (
                ", c.system_identifier FROM pg_catalog.pg_control_system() AS c",
                " WHERE true",
            ),
            ("  system_identifier = excluded.system_identifier,", " "),
        ];
        later.iter().fold(text.to_owned(), |text, (now, then)| {
            if is_recorded {
                text
            } else {
                text.replace(now, then)
            }
        })
    };
    let tables = tables + &as_it_was(record.text);
    let grants = format!(
        "GRANT USAGE ON SCHEMA {schema} TO {archiver}; GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {archiver};"
    );
    format!(
        "{head}{tables}\n{grants}\n-- What this installation is now{}",
        as_it_was(tail).replace(&contract_digest(), "of an older release")
    )
}

#[on(on_each_version)]
async fn an_upgrade_from_any_older_release_ends_as_a_fresh_installation(backend: Backend) {
    let expected = fresh_catalogue(backend).await;
    for migrations in 1..=files("tables/").len() {
        let stage = TestContext::empty(backend).await;
        let (owner, options) = (stage.installer().await, options(&stage));
        let script = plan(&owner, &options).await.unwrap().script();
        owner
            .batch_execute(&older_release(&script, migrations, &options))
            .await
            .unwrap_or_else(|error| panic!("{migrations}: {error:?}"));
        let upgrade = apply(&owner, &options)
            .await
            .unwrap_or_else(|error| panic!("{migrations}: {error}"));
        assert!(!upgrade.is_fresh());
        assert_eq!(
            upgrade.pending().count(),
            files("tables/").len() - migrations
        );
        let what = format!("upgraded from {migrations} migrations");
        assert_same(&catalogue_of(&stage, &options).await, &expected, &what);
        works(&owner, "dot").await;
        assert!(apply(&owner, &options).await.unwrap().is_current());
    }
}

/// The records of an older release: a verified real run for an unregistered candidate, a producer whose metadata names
/// a candidate, and a simulated run that is no evidence.
fn recorded_by_an_older_release() -> String {
    let mut run = ExecutedRun::truthful();
    // It had no functions that the upgrade brings.
    run.header.set("lease_token", "gen_random_uuid()");
    for receipt in [&mut run.producer_receipt, &mut run.verifier_receipt] {
        receipt.set("begun_change_number", "0");
        receipt.set("cluster_id", "NULL");
    }
    let mut simulated = run.clone();
    for part in [&mut simulated.header, &mut simulated.producer] {
        part.set("process_run_id", "'00000000-0000-7000-8000-0000000000aa'");
        part.set("process_candidate_code", "'PROC-CAND:simulated'");
        part.set("evidence_type", "'SIMULATED_DRY_RUN'");
    }
    simulated.producer.set("invocation_id", "NULL");
    format!(
        "BEGIN; INSERT INTO dot.dot_tools (dot_code, name, tier, paired_dot, pair_role, extra_metadata) VALUES
           ('DOT_BACKUP', 'b', 'B', 'DOT_BACKUP_VERIFY', 'producer', '{{}}'),
           ('DOT_BACKUP_VERIFY', 'v', 'A', 'DOT_BACKUP', 'verifier', '{{\"process_candidate_code\": \"PROC-CAND:v\"}}'),
           ('DOT_COPY', 'c', 'B', 'DOT_COPY_VERIFY', 'producer', '{{\"process_candidate_code\": \"PROC-CAND:copies\"}}'),
           ('DOT_COPY_VERIFY', 'w', 'A', 'DOT_COPY', 'verifier', '{{}}'); COMMIT;
         INSERT INTO dot.process_observation_rollup (process_candidate_code, dot_code, slot, last_observed_at, run_count)
         VALUES ('PROC-CAND:dot:backup', 'DOT_BACKUP', 'a', clock_timestamp(), 1);
         {} {}; {};",
        run.sql(),
        simulated.header.sql(),
        simulated.producer.sql()
    )
}

#[on(on_each_version)]
async fn an_upgrade_infers_the_pairs_that_an_older_ledger_shows(backend: Backend) {
    let (_stage, owner, superuser, options) = empty(backend).await;
    let before = files("tables/")
        .iter()
        .position(|file| file.path.contains("candidate_pairs"))
        .unwrap();
    let script = plan(&owner, &options).await.unwrap().script();
    owner
        .batch_execute(&older_release(&script, before, &options))
        .await
        .unwrap();
    execute(&superuser, &recorded_by_an_older_release()).await;
    apply(&owner, &options).await.unwrap();
    let pairs = "SELECT process_candidate_code AS candidate, dot_code, is_inferred, is_registered, declared_by
        FROM dot.v_process_candidate_pair ORDER BY 1, 2";
    let inferred = |candidate: &str, dot_code: &str| {
        json!({"candidate": candidate, "dot_code": dot_code, "is_inferred": true, "is_registered": false,
            "declared_by": "dotwrap"})
    };
    assert_eq!(
        rows(&owner, pairs).await,
        [
            inferred("PROC-CAND:copies", "DOT_COPY"),
            inferred(CANDIDATE, PRODUCER)
        ]
    );
    let noted = "SELECT count(*) FROM dot.v_dot_registry_history WHERE kind = 'candidate_pair'";
    assert_eq!(number(&owner, noted).await, 2);
    // The rung stays, and says what it rests on. No candidate was registered by the upgrade.
    let rung = "SELECT candidate_status_v3, has_inferred_pair FROM dot.v_process_discovery_birth_readiness_v3
        WHERE process_candidate_code = 'PROC-CAND:dot:backup'";
    assert_eq!(
        row(&owner, rung).await,
        json!({"candidate_status_v3": "verified_candidate", "has_inferred_pair": true})
    );
    let candidates = "SELECT count(*) FROM dot.v_process_candidate";
    assert_eq!(number(&owner, candidates).await, 0);
    apply(&owner, &repairing(&options)).await.unwrap();
    assert_eq!(rows(&owner, pairs).await.len(), 2);
}

#[on(on_each_version)]
async fn an_upgrade_keeps_the_ledger_and_the_settings(backend: Backend) {
    let (_stage, owner, superuser, options) = empty(backend).await;
    apply(&owner, &options).await.unwrap();
    works(&owner, "dot").await;
    rows(
        &owner,
        &Call::gate("process_dot_runtime.execute_enabled", "true").sql(),
    )
    .await;
    rows(
        &owner,
        &Call::new("fn_event_type_set_active")
            .text("p_event_type", "process.run.failed")
            .with("p_active", "true")
            .text("p_actor", "a")
            .text("p_reason", "r")
            .sql(),
    )
    .await;
    rows(
        &owner,
        &Call::new("fn_dot_preflight_check_set")
            .text("p_check_name", "gates_malformed")
            .text("p_count_query", "dot.fn_dot_check_malformed_gates")
            .text("p_actor", "a")
            .with("p_enabled", "false")
            .sql(),
    )
    .await;
    execute(
        &superuser,
        "UPDATE dot.dot_contract_release SET digest = 'of an older release'",
    )
    .await;
    let kept = "SELECT (SELECT jsonb_agg(to_jsonb(t) ORDER BY t.process_run_id) FROM dot.process_run_observation t) AS runs, (SELECT jsonb_agg(to_jsonb(t) ORDER BY t.key) FROM dot.dot_config t) AS gates,
        (SELECT jsonb_agg(to_jsonb(t) ORDER BY t.event_type) FROM dot.event_type_registry t) AS types, (SELECT jsonb_agg(to_jsonb(t) ORDER BY t.check_name) FROM dot.dot_preflight_check t) AS checks, (SELECT jsonb_agg(to_jsonb(t) ORDER BY t.dot_code) FROM dot.dot_tools t) AS tools";
    let before = row(&superuser, kept).await;
    assert!(!apply(&owner, &options).await.unwrap().is_current());
    assert_eq!(row(&superuser, kept).await, before);
}

#[on(on_each_version)]
async fn an_upgrade_waits_for_and_loses_no_recording(backend: Backend) {
    let stage = TestContext::empty(backend).await;
    let (owner, options) = (stage.installer().await, options(&stage));
    apply(&owner, &options).await.unwrap();
    works(&owner, "dot").await;
    let mut writers = Vec::new();
    for _ in 0..4 {
        writers.push(stage.installer().await);
    }
    let writing = join_all(
        writers
            .iter()
            .enumerate()
            .map(|(number, writer)| async move {
                let mut recorded = 0;
                for round in 0..20 {
                    let call = Call::run()
                        .text("p_correlation_id", &format!("{number} {round}"))
                        .sql();
                    // An upgrade under way may break a call off; it never loses one that was answered.
                    recorded += i64::from(ask(writer, &call).await.is_ok());
                }
                recorded
            }),
    );
    let repair = repairing(&options);
    let (recorded, upgrade) = tokio::join!(writing, apply(&owner, &repair));
    upgrade.unwrap();
    assert_eq!(
        number(&owner, "SELECT count(*) FROM dot.v_process_run").await,
        recorded.iter().sum::<i64>() + 1
    );
    works(&owner, "dot").await;
}

#[on(on_each_version)]
async fn an_upgrade_corrects_the_best_evidence_that_failed_runs_left(backend: Backend) {
    let (_stage, runner, operator, superuser) = run_calls::ready(backend).await;
    let run = run_calls::begun(&runner, "DRY_RUN").await;
    rows(
        &runner,
        &run.producer("DRY_RUN").text("p_status", "failed").sql(),
    )
    .await;
    rows(&runner, &run.conclusion("failed").sql()).await;
    // As an older release counted it: in the rollup, and a real run of another candidate on the lease.
    execute(
        &superuser,
        "UPDATE dot.process_observation_rollup SET producer_best = 2;
         UPDATE dot.dot_iu_runtime_lease SET observed_candidate = 'another', observed_verifier = 'DOT_BACKUP_VERIFY',
           observed_type = 'REAL_RUN',
           observed_runs = 3, observed_at = clock_timestamp(), observed_run_id = gen_random_uuid()",
    )
    .await;
    let counts =
        "SELECT process_candidate_code, run_count, real_run_count, dry_run_count, simulated_count,
      component_count
        FROM dot.v_process_discovery_runtime_observed ORDER BY 1";
    let counted = rows(&operator, counts).await;
    let migration = files("tables/")
        .into_iter()
        .find(|file| file.path.contains("0009"))
        .unwrap();
    execute(
        &superuser,
        &format!(
            "BEGIN; SET LOCAL search_path = dot; DROP INDEX process_component_dry_producer, dot_refusal_by_login;
             CREATE INDEX process_component_dry_run ON process_component_observation (process_candidate_code); {};
               COMMIT",
            migration.text
        ),
    )
    .await;
    assert_eq!(rows(&operator, counts).await, counted);
    let statuses =
        "SELECT DISTINCT wrapper_status FROM dot.v_process_dot_wrapper_status WHERE dot_code LIKE
      'DOT_BACKUP%'";
    assert_eq!(
        rows(&operator, statuses).await,
        [json!({"wrapper_status": "WRAPPER_READY_NO_OBSERVATION"})]
    );
}
