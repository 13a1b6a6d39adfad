//! A ledger that was restored into another cluster has no violation, and new runs can be recorded.
//!
//! The other cluster is new: its transaction ids are lower than those in the ledger.

use std::path::PathBuf;
use std::process::{Command, Output};

use dotwrap_contract::{InstallOptions, apply};
use dotwrap_testkit::{PrivateServer, TestDatabase, Version, connect, postgres_folder};
use dotwrap_verify::{VerifyOptions, verify};
use tokio_postgres::Client;
use tokio_postgres::config::Host;

use crate::support::{each_on_its_own, findings, judge, used_ledger};

/// An honest real run by the contract's functions, and the closing of a gate behind it.
pub(crate) const GOING_ON: &str = "
SELECT dot.fn_dot_gate_set('process_dot_runtime.execute_enabled', 'true', 'ann', 'another window')
----
SELECT dot.fn_dot_gate_set('process_dot_runtime.real_run_enabled', 'true', 'ann', 'another window')
----
DO $$
DECLARE
  v_run     record;
  v_receipt uuid;
  v_said    jsonb := '{\"endpoint_ref\": \"command:cp\"}';
BEGIN
  SELECT * INTO v_run FROM dot.fn_process_run_begin('COPY', 'PROC:copy', 'corr-r', 'ann', 'REAL_RUN', 'host:1');
  COMMIT;
  v_receipt := dot.fn_process_run_record_producer(v_run.process_run_id, 'COPY', 'corr-r', 'ann', 'REAL_RUN', 'step_completed',
    v_run.producer_invocation_id, v_run.lease_token, 'COMPARE', 'host:1', p_output_digest => 'sha256:' || repeat('1', 64), p_evidence_ref => v_said,
    p_started_at => clock_timestamp(), p_ended_at => clock_timestamp());
  COMMIT;
  PERFORM dot.fn_process_run_record_verifier_and_conclude(v_run.process_run_id, 'COPY', 'COMPARE', 'verifier', 'corr-r', 'ann', 'REAL_RUN', 'step_completed',
    v_receipt, v_run.lease_token, 'completed', p_verdict => 'pass', p_evidence_ref => '{\"endpoint_ref\": \"command:cmp\"}',
    p_started_at => clock_timestamp(), p_ended_at => clock_timestamp());
END $$
----
SELECT dot.fn_dot_gate_set('process_dot_runtime.execute_enabled', 'false', 'ann', 'enough')
----
SELECT dot.fn_process_pair_observe('PACK', 'PROC:pack', 'corr-s', 'bob')";

#[tokio::test]
async fn restored_ledger_has_no_violation_before_and_after_new_runs() {
    let database = used_ledger(Version::V15).await;
    // The cluster that the ledger comes from is ahead of any new one.
    let client = database.superuser().await;
    each_on_its_own(
        &client,
        "DO $$ BEGIN FOR i IN 1..2000 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$",
    )
    .await;
    each_on_its_own(&client, GOING_ON).await;
    assert!(findings(&judge(&database).await).is_empty());
    let dump = tempfile::NamedTempFile::new().unwrap();
    dump_into(&database, dump.path());
    for version in Version::ALL {
        let server = PrivateServer::start(version, &[]).await;
        restore_from(&server, dump.path()).await;
        let mut restored = connect(&server.cluster().superuser_config("restored")).await;
        assert_holds(&mut restored, "restored").await;
        each_on_its_own(&restored, &GOING_ON.replace("corr-r", "corr-t")).await;
        assert_holds(&mut restored, "after a run and the closing of a gate").await;
        each_on_its_own(&restored, GOING_ON).await;
        assert_holds(&mut restored, "after more of the same").await;
    }
}

async fn assert_holds(client: &mut Client, when: &str) {
    let report = verify(client, &VerifyOptions::default())
        .await
        .expect("an answer");
    let found = findings(&report);
    assert!(found.is_empty(), "{when}: {found:#?}");
}

fn dump_into(database: &TestDatabase, file: &std::path::Path) {
    let mut command = Command::new(program("pg_dump"));
    command.args(["--format=custom", "--username=postgres", "--host"]);
    command
        .arg(database.server().socket_folder())
        .arg("--file")
        .arg(file);
    done(&command.arg(database.name()).output().expect("an answer"));
}

/// The roles are the cluster's, so the contract is installed once beside what is restored.
async fn restore_from(server: &PrivateServer, dump: &std::path::Path) {
    let owner = connect(&server.config()).await;
    apply(&owner, &InstallOptions::default())
        .await
        .expect("an answer");
    let config = server.cluster().superuser_config("postgres");
    let superuser = connect(&config).await;
    superuser
        .batch_execute("CREATE DATABASE restored")
        .await
        .expect("an answer");
    let Some(Host::Unix(folder)) = config.get_hosts().first() else {
        panic!("{config:?}");
    };
    let password = config.get_password().unwrap_or_default();
    let mut command = Command::new(program("pg_restore"));
    command.env("PGPASSWORD", String::from_utf8_lossy(password).as_ref());
    command.args(["--exit-on-error", "--dbname=restored", "--username"]);
    command
        .arg(config.get_user().expect("an answer"))
        .arg("--host")
        .arg(folder);
    if let Some(port) = config.get_ports().first() {
        command.arg("--port").arg(port.to_string());
    }
    done(&command.arg(dump).output().expect("an answer"));
}

fn done(output: &Output) {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A program of the oldest supported PostgreSQL: beside its server, or on the path.
fn program(name: &str) -> PathBuf {
    let beside = postgres_folder(Version::V15).join(name);
    let on_the_path = std::env::var_os("PATH").unwrap_or_default();
    let on_the_path = std::env::split_paths(&on_the_path).map(|folder| folder.join(name));
    let places = [beside].into_iter().chain(on_the_path);
    let Some(found) = places.into_iter().find(|place| place.exists()) else {
        panic!(
            "this test needs {name} of PostgreSQL 15: install postgresql-client-15, or set DOTWRAP_TEST_PG15 to a folder that has it"
        );
    };
    found
}
