//! Tampered conclusions.

use super::Lie;

pub(super) const LIES: &[Lie] = &[
    Lie {
        told: "a conclusion of no run",
        sql: "SET session_replication_role = replica;
            INSERT INTO dot.process_run_conclusion (process_run_id, status, evidence_ref, concluded_by) VALUES ('{nowhere}', 'completed', '{\"actor\": \"run\"}', 'eve')",
        noticed: &[
            ("conclusion_has_its_run", "{nowhere}"),
            ("completed_has_its_producer", "{nowhere}: concluded as completed, its producer is not there"),
        ],
    },
    Lie {
        told: "a second conclusion",
        sql: "ALTER TABLE dot.process_run_conclusion DROP CONSTRAINT process_run_conclusion_pkey;
            INSERT INTO dot.process_run_conclusion (process_run_id, status, evidence_ref, concluded_by) VALUES ('{executed}', 'failed', '{\"actor\": \"run\"}', 'eve')",
        noticed: &[
            ("one_conclusion_a_run", "{executed}: 2 conclusions: completed, failed"),
            ("constraints_are_there", "process_run_conclusion: no constraint that says PRIMARY KEY (process_run_id)"),
            ("run_view_shows_the_ledger", "{executed}"),
            ("conclusion_bears_its_verifiers_verdict", "{executed}: concluded with no verdict, its verifier said pass"),
        ],
    },
    Lie {
        told: "a conclusion of what was not executed",
        sql: "INSERT INTO dot.process_run_conclusion (process_run_id, status, evidence_ref, concluded_by) VALUES ('{simulated}', 'completed', '{\"actor\": \"run\"}', 'eve')",
        noticed: &[
            ("conclusion_under_a_lease", "{simulated}: concluded as completed"),
            ("conclusion_bears_its_headers_actor", "{simulated}: tagged with the actor 'run', its header has 'ann'"),
        ],
    },
    Lie {
        told: "a component behind the conclusion",
        sql: "UPDATE dot.process_component_observation SET created_at = clock_timestamp() WHERE component_run_id = '{executed_verifier}'",
        noticed: &[("nothing_behind_a_conclusion", "{executed_verifier}: a component")],
    },
    Lie {
        told: "a receipt behind the conclusion",
        sql: "UPDATE dot.dot_invocation SET begun_at = clock_timestamp() WHERE invocation_id = '{verifier_receipt}'",
        noticed: &[
            ("nothing_behind_a_conclusion", "{verifier_receipt}: a receipt"),
            ("steps_are_in_the_order_of_the_clock", "{executed_verifier}"),
        ],
    },
    Lie {
        told: "a pass that the verifier did not give",
        sql: "UPDATE dot.process_component_observation SET verdict = 'fail' WHERE component_run_id = '{executed_verifier}'",
        noticed: &[("pass_is_the_verifiers", "{executed}: concluded with pass, its verifier said fail")],
    },
    Lie {
        told: "a run that is completed although its producer failed",
        sql: "UPDATE dot.process_run_conclusion SET status = 'completed' WHERE process_run_id = '{executed}';
            UPDATE dot.process_component_observation SET status = 'failed' WHERE component_run_id = '{executed_producer}'",
        noticed: &[
            ("completed_has_its_producer", "{executed}: concluded as completed, its producer is failed"),
            ("rollup_knows_the_best_evidence", "COPY: kept is the rank 3"),
        ],
    },
    Lie {
        told: "a verdict that was taken off the conclusion alone",
        sql: "UPDATE dot.process_run_conclusion SET verdict = NULL WHERE process_run_id = '{executed}'",
        noticed: &[("conclusion_bears_its_verifiers_verdict", "{executed}: concluded with no verdict, its verifier said pass")],
    },
    Lie {
        told: "a conclusion that names somebody who stopped nothing",
        sql: "UPDATE dot.process_run_conclusion SET evidence_ref = evidence_ref || '{\"stopped_by\": \"eve\"}' WHERE process_run_id = '{executed}'",
        noticed: &[("conclusion_says_who_stopped_it", "{executed}: concluded as stopped by 'eve', its stop is by nobody")],
    },
    Lie {
        told: "a stop that was made up behind the conclusion",
        sql: "INSERT INTO dot.dot_run_stop (process_run_id, actor, reason) VALUES ('{executed}', 'eve', 'too late')",
        noticed: &[("conclusion_says_who_stopped_it", "{executed}: concluded as stopped by nobody, its stop is by 'eve'")],
    },
];
