//! Edits of a consistent ledger that no check can detect, so that a clean report is not overestimated.
//!
//! `UNDETECTED.md` lists them. This test makes each edit. A check that detects one fails the test until the list is
//! updated.

use std::fmt::Write as _;

use dotwrap_testkit::Version;

use crate::support::{each_on_its_own, findings, judge, used_ledger};

/// One edit.
struct Edit {
    /// What it does, as the list says it.
    does: &'static str,
    /// What would have to be known to tell it.
    because: &'static str,
    sql: &'static str,
}

const EDITS: &[Edit] = &[
    Edit {
        does: "a verdict in both rows that hold it",
        because: "nothing else in the database knows what the verifier said",
        sql: "UPDATE dot.process_component_observation SET verdict = 'fail' WHERE component_run_id = '{executed_verifier}';
            UPDATE dot.process_run_conclusion SET verdict = 'fail' WHERE process_run_id = '{executed}'",
    },
    Edit {
        does: "a digest in both rows that hold it",
        because: "the output that it is of is not in the database",
        sql: "UPDATE dot.process_component_observation SET output_digest = 'sha256:' || repeat('f', 64) WHERE component_run_id = '{executed_producer}';
            UPDATE dot.dot_invocation SET input_digest = 'sha256:' || repeat('f', 64) WHERE invocation_id = '{verifier_receipt}'",
    },
    Edit {
        does: "the actor of an executed part, with its tag",
        because: "each step of a run may be taken for another actor",
        sql: "UPDATE dot.process_component_observation SET actor = 'bob', evidence_ref = evidence_ref || '{\"actor\": \"bob\"}' WHERE component_run_id = '{executed_verifier}'",
    },
    Edit {
        does: "who concluded a run",
        because: "anybody who holds the lease may conclude",
        sql: "UPDATE dot.process_run_conclusion SET concluded_by = 'alice' WHERE process_run_id = '{executed}'",
    },
    Edit {
        does: "the login of every row of a run",
        because: "the rows agree with each other",
        sql: "UPDATE dot.process_run_observation SET recorded_by = 'alice' WHERE process_run_id = '{executed}';
            UPDATE dot.process_component_observation SET recorded_by = 'alice' WHERE process_run_id = '{executed}';
            UPDATE dot.dot_invocation SET recorded_by = 'alice' WHERE process_run_id = '{executed}';
            UPDATE dot.process_run_conclusion SET recorded_by = 'alice' WHERE process_run_id = '{executed}'",
    },
    Edit {
        does: "the runner of a receipt",
        because: "a runner's name is its own word",
        sql: "UPDATE dot.dot_invocation SET runner = 'host:1' WHERE process_run_id = '{executed}'",
    },
    Edit {
        does: "the times of a run, by less than an hour",
        because: "clocks are set",
        sql: "UPDATE dot.process_run_observation SET created_at = created_at - interval '10 minutes' WHERE process_run_id = '{stepwise}';
            UPDATE dot.process_component_observation SET created_at = created_at - interval '10 minutes' WHERE process_run_id = '{stepwise}'",
    },
    Edit {
        does: "a dry run lifted to a real one everywhere, where the gates were open for it and its contracts are alike",
        because: "nothing else in the database knows how a tool was called",
        sql: "SELECT dot.fn_dot_contract_set('{\"dot_code\": \"PACK\", \"mode\": \"REAL_RUN\", \"endpoint_ref\": \"command:tar\"}', 'ann');
            SELECT dot.fn_dot_contract_set('{\"dot_code\": \"LIST\", \"mode\": \"REAL_RUN\", \"endpoint_ref\": \"command:tar\"}', 'ann');
            SELECT dot.fn_dot_gate_set('process_dot_runtime.real_run_enabled', 'true', 'ann', 'a window');
            SET CONSTRAINTS ALL IMMEDIATE;
            ----
            BEGIN;
            INSERT INTO dot.process_run_observation (process_run_id, dot_code, process_candidate_code, correlation_id, status, evidence_type,
              source_system, lease_name, lease_token, evidence_ref, actor)
            VALUES ('{made}', 'COPY', 'PROC:copy', 'corr-m', 'started', 'DRY_RUN', 'dot_exec_runner', 'dot_exec:COPY', '{made}',
              '{\"wrapper\": \"dot_exec_wrapper\", \"actor\": \"run\", \"posture\": \"REAL_RUN\"}', 'run');
            UPDATE dot.dot_iu_runtime_lease SET process_run_id = '{made}' WHERE lease_name = 'dot_exec:COPY';
            INSERT INTO dot.dot_invocation (invocation_id, process_run_id, dot_code, component_role, mode, posture, endpoint_ref, runner, begun_change_number, cluster_id)
            VALUES ('{made}', '{made}', 'COPY', 'producer', 'DRY_RUN', 'REAL_RUN', 'command:cp', 'run', (SELECT s.change_number FROM dot.dot_gate_state s), dot.fn_dot_cluster_id());
            COMMIT;
            ----
            UPDATE dot.dot_invocation SET mode = 'REAL_RUN' WHERE process_run_id = '{made}';
            UPDATE dot.process_run_observation SET evidence_type = 'REAL_RUN' WHERE process_run_id = '{made}'",
    },
    Edit {
        does: "a run deleted with all that belongs to it, its counts and its events",
        because: "what is nowhere is missed by nobody",
        sql: "DELETE FROM dot.process_component_observation WHERE process_run_id = '{stepwise}';
            DELETE FROM dot.process_run_observation WHERE process_run_id = '{stepwise}';
            DELETE FROM dot.process_observation_rollup WHERE process_candidate_code = 'PROC:copy' AND dot_code = 'COPY' AND slot NOT LIKE 'pair %'",
    },
    Edit {
        does: "refusals deleted",
        because: "nothing refers to a refusal",
        sql: "DELETE FROM dot.dot_refusal",
    },
    Edit {
        does: "a refusal or a forced release made up, with an id of its time",
        because: "nothing else is written where one happens",
        sql: "INSERT INTO dot.dot_refusal (refusal_id, refusal_code, message, posture) VALUES ('{made}', 'unknown_dot', 'there is no DOT', 'REAL_RUN');
            INSERT INTO dot.dot_lease_force_release (release_id, lease_name, lease_holder, lease_token, expires_at, actor, reason, released_at)
            VALUES ('{made_too}', 'dot_exec:COPY', 'x', '{nowhere}', now(), 'alice', 'y', now())",
    },
    Edit {
        does: "who changed a gate and why, in the gate and in its history",
        because: "the two rows agree",
        sql: "UPDATE dot.dot_config_history SET actor = 'alice', recorded_by = 'alice', reason = 'asked for by the board';
            UPDATE dot.dot_config SET updated_by = 'alice', reason = 'asked for by the board' WHERE updated_by = 'ann'",
    },
    Edit {
        does: "when a gate expires, in the gate and in its history",
        because: "the two rows agree, and the receipts fit a gate that is open for longer",
        sql: "UPDATE dot.dot_config_history SET expires_at = now() + interval '9 years';
            UPDATE dot.dot_config SET expires_at = h.expires_at FROM dot.dot_config_history h WHERE h.key = dot_config.key",
    },
    Edit {
        does: "an event deleted that was written within ten seconds of a switch of its type",
        because: "close to a switch a writer may not have seen it",
        sql: "SELECT dot.fn_process_pair_observe('COPY', 'PROC:copy', 'corr-m', 'ann');
            SELECT dot.fn_event_type_set_active('process.run.completed', false, 'ann', 'enough');
            DELETE FROM dot.event_outbox WHERE event_type = 'process.run.completed' AND correlation_id = 'corr-m'",
    },
    Edit {
        does: "who changed the registry, in its history",
        because: "the registry's rows name nobody",
        sql: "UPDATE dot.dot_registry_history SET actor = 'alice', recorded_by = 'alice'",
    },
    Edit {
        does: "an entry of the registry, in its row and in its history",
        because: "the two rows agree",
        sql: "UPDATE dot.process_candidate SET owner = 'eve' WHERE process_candidate_code = 'PROC:copy';
            UPDATE dot.dot_registry_history SET entry = entry || '{\"owner\": \"eve\"}' WHERE kind = 'candidate' AND key = 'PROC:copy'",
    },
    Edit {
        does: "who asked for a run",
        because: "a request's run is its worker's",
        sql: "UPDATE dot.dot_run_request SET actor = 'alice', recorded_by = 'alice'",
    },
    Edit {
        does: "the source and the asserter of backfilled evidence, in header and component",
        because: "the source is not in the database",
        sql: "UPDATE dot.process_component_observation SET actor = 'bob', evidence_ref = evidence_ref || '{\"actor\": \"bob\", \"asserted_by\": \"bob\", \"source_ref\": \"ticket:2\"}'
              WHERE evidence_type = 'BACKFILLED_EVIDENCE';
            UPDATE dot.process_run_observation SET actor = 'bob', evidence_ref = evidence_ref || '{\"actor\": \"bob\", \"asserted_by\": \"bob\", \"source_ref\": \"ticket:2\"}'
              WHERE evidence_type = 'BACKFILLED_EVIDENCE'",
    },
    Edit {
        does: "guards that were off for an edit, and are on again",
        because: "the catalogue says what is, not what was",
        sql: "ALTER TABLE dot.process_run_conclusion DISABLE TRIGGER ledger_append_only;
            UPDATE dot.process_run_conclusion SET error_ref = 'elsewhere' WHERE process_run_id = '{executed}';
            ALTER TABLE dot.process_run_conclusion ENABLE ALWAYS TRIGGER ledger_append_only",
    },
    Edit {
        does: "references, texts and other evidence of a row",
        because: "they are whatever their caller said",
        sql: "UPDATE dot.process_component_observation SET input_ref = 'another', error_ref = 'another' WHERE component_run_id = '{executed_verifier}'",
    },
    Edit {
        does: "how an executed run ended, where no event tells it, unless it is made completed",
        because: "the runner of a pair also chooses how the run is concluded",
        sql: "SELECT dot.fn_event_type_set_active('process.run.completed', false, 'ann', 'enough');
            DELETE FROM dot.event_outbox WHERE event_type = 'process.run.completed' AND process_run_id = '{executed}';
            UPDATE dot.process_run_conclusion SET status = 'failed' WHERE process_run_id = '{executed}'",
    },
    Edit {
        does: "the digest in a verifier's own row, or in a producer's receipt",
        because: "what a verifier wrote and what a producer was given are in no other row",
        sql: "UPDATE dot.process_component_observation SET output_digest = 'sha256:' || repeat('e', 64) WHERE component_run_id = '{executed_verifier}';
            UPDATE dot.dot_invocation SET input_digest = 'sha256:' || repeat('e', 64) WHERE invocation_id = '{producer_receipt}'",
    },
    Edit {
        does: "a run moved to another candidate that its pair is declared for, with its counts and its events",
        because: "all rows that name the candidate agree",
        sql: "SELECT dot.fn_process_candidate_pair_set('PROC:unobserved', 'COPY', 'ann', 'it is one');
            UPDATE dot.process_run_observation SET process_candidate_code = 'PROC:unobserved' WHERE process_run_id = '{stepwise}';
            UPDATE dot.process_component_observation SET process_candidate_code = 'PROC:unobserved' WHERE process_run_id = '{stepwise}';
            UPDATE dot.process_observation_rollup SET process_candidate_code = 'PROC:unobserved' WHERE process_candidate_code = 'PROC:copy' AND dot_code = 'COPY' AND slot NOT LIKE 'pair %'",
    },
    Edit {
        does: "the correlation of a run in all of its rows, where no event tells it",
        because: "the rows agree with each other",
        sql: "UPDATE dot.process_run_observation SET correlation_id = 'another' WHERE process_run_id = '{stepwise}';
            UPDATE dot.process_component_observation SET correlation_id = 'another' WHERE process_run_id = '{stepwise}'",
    },
    Edit {
        does: "forced releases deleted",
        because: "nothing refers to a forced release",
        sql: "DELETE FROM dot.dot_lease_force_release",
    },
    Edit {
        does: "a remembered preflight result",
        because: "what a check counted is only in that row, until it is refreshed",
        sql: "UPDATE dot.dot_preflight_answer SET cnt = 7",
    },
    Edit {
        does: "a login made a member of a role of the installation",
        because: "memberships are granted to logins, and no row declares which",
        sql: "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'somebody_of_a_test') THEN
              CREATE ROLE somebody_of_a_test; END IF; GRANT dot_operator TO somebody_of_a_test; END $$",
    },
    Edit {
        does: "who installed the contract, and when",
        because: "it is written nowhere else",
        sql: "UPDATE dot.dot_contract_release SET installed_by = 'alice', installed_at = now()",
    },
];

#[tokio::test]
async fn listed_undetectable_changes_violate_no_check() {
    for edit in EDITS {
        let database = used_ledger(Version::V15).await;
        each_on_its_own(&database.superuser().await, edit.sql).await;
        let found = findings(&judge(&database).await);
        assert!(found.is_empty(), "{}: {found:#?}", edit.does);
    }
}

/// The list is part of the crate's documentation.
#[test]
fn documented_undetectable_changes_equal_the_tested_ones() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/UNDETECTED.md");
    let list = list();
    if std::env::var_os("DOTWRAP_WRITE_CHECKS").is_some() {
        std::fs::write(path, list).unwrap();
        return;
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        written == list,
        "run the tests once with DOTWRAP_WRITE_CHECKS=1, and look at what changed in UNDETECTED.md"
    );
}

fn list() -> String {
    let mut list = "# What no rule can tell\n\n\
        A superuser can rewrite any row, and the owner any row after switching the guards off. Where every row that holds a fact is\n\
        rewritten alike, the database agrees with itself, and a clean report proves nothing about that fact. A report that is kept\n\
        elsewhere, or a backup, is what shows such an edit. A test makes each of these and sees that no rule tells it.\n\n\
        | edit | no rule can tell it, because |\n| --- | --- |\n"
        .to_owned();
    for edit in EDITS {
        let _ = writeln!(list, "| {} | {} |", edit.does, edit.because);
    }
    list
}
