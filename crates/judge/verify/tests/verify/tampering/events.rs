//! Tampered outbox rows and switches.

use super::Lie;

pub(super) const LIES: &[Lie] = &[
    Lie {
        told: "an event of a type that was switched off",
        sql: "UPDATE dot.event_outbox SET occurred_at = clock_timestamp() WHERE event_type = 'process.run.failed'",
        noticed: &[("event_fits_the_switches", "the type was not active")],
    },
    Lie {
        told: "an event of a type that was never switched on",
        sql: "SELECT dot.fn_process_run_observe('PROC:headers', 'corr-quiet', 'ann', p_process_run_id => '{made}');
            INSERT INTO dot.event_outbox (event_id, event_type, stream, lane, severity, correlation_id, process_run_id, payload, occurred_at)
            SELECT '{made_too}', 'process.evidence.missing', 'alert', 'immediate', 'warning', r.correlation_id, r.process_run_id,
              jsonb_build_object('process_run_id', r.process_run_id, 'correlation_id', r.correlation_id, 'component_run_id', NULL, 'dot_code', r.dot_code,
                'status', r.status, 'evidence_type', r.evidence_type, 'source_system', r.source_system, 'input_ref', NULL, 'output_ref', NULL), clock_timestamp()
            FROM dot.process_run_observation r WHERE r.process_run_id = '{made}'",
        noticed: &[("event_type_was_active", "{made_too}: process.evidence.missing")],
    },
    Lie {
        told: "an event type that was switched on round its function",
        sql: "UPDATE dot.event_type_registry SET active = true WHERE event_type = 'process.run.failed'",
        noticed: &[("event_type_agrees_with_its_history", "process.run.failed: active, its history has it switched on 1 times and off 1 times")],
    },
    Lie {
        told: "an event that claims more than its row",
        sql: "UPDATE dot.event_outbox SET payload = payload || '{\"evidence_type\": \"REAL_RUN\"}' WHERE correlation_id = 'corr-5' AND component_run_id IS NULL",
        noticed: &[
            ("event_agrees_with_its_row", "process.run.completed about the run"),
            ("event_claims_what_its_run_shows", "says REAL_RUN about the run"),
        ],
    },
    Lie {
        told: "an event of another lane than its type's",
        sql: "UPDATE dot.event_outbox SET lane = 'immediate' WHERE correlation_id = 'corr-5' AND component_run_id IS NULL",
        noticed: &[("event_agrees_with_its_row", "process.run.completed about the run")],
    },
    Lie {
        told: "an event that is told twice",
        sql: "INSERT INTO dot.event_outbox SELECT '{made}', o.event_seq, o.event_type, o.stream, o.lane, o.severity, o.correlation_id, o.process_run_id,
              o.component_run_id, o.payload, o.occurred_at
            FROM dot.event_outbox o WHERE o.correlation_id = 'corr-5' AND o.component_run_id IS NULL",
        noticed: &[("event_is_told_once", "2 rows of process.run.completed")],
    },
    Lie {
        told: "a gate that was opened round its function",
        sql: "ALTER TABLE dot.dot_config DISABLE TRIGGER gate_history;
            UPDATE dot.dot_config SET value = 'true' WHERE key = 'process_dot_runtime.real_run_enabled';
            ALTER TABLE dot.dot_config ENABLE ALWAYS TRIGGER gate_history",
        noticed: &[("gate_agrees_with_its_history", "process_dot_runtime.real_run_enabled: it says 'true'")],
    },
    Lie {
        told: "a gate that lives longer than was allowed",
        sql: "ALTER TABLE dot.dot_config DISABLE TRIGGER gate_history;
            UPDATE dot.dot_config SET expires_at = NULL WHERE key = 'iu_core.operator_runtime_enabled';
            ALTER TABLE dot.dot_config ENABLE ALWAYS TRIGGER gate_history",
        noticed: &[("gate_agrees_with_its_history", "iu_core.operator_runtime_enabled: it says 'true' until changed")],
    },
    Lie {
        told: "a change of a gate that was taken out of the history",
        sql: "DELETE FROM dot.dot_config_history WHERE change_number = 2",
        noticed: &[
            ("gate_history_has_no_gap", "3: the change before it is number 1"),
            ("gate_agrees_with_its_history", "process_dot_runtime.execute_enabled: it says 'true'"),
            ("receipt_posture_is_shown_by_the_gates", "{producer_receipt}: posture REAL_RUN, but closed were"),
        ],
    },
    Lie {
        told: "a gate that is gone",
        sql: "DELETE FROM dot.dot_config WHERE key = 'process_dot_runtime.dry_run_only'",
        noticed: &[("gate_agrees_with_its_history", "process_dot_runtime.dry_run_only: the gate is missing")],
    },
    Lie {
        told: "events that were deleted",
        sql: "UPDATE dot.event_type_history SET changed_at = changed_at - interval '5 minutes' WHERE active;
            DELETE FROM dot.event_outbox WHERE correlation_id IN ('corr-5', 'corr-e')",
        noticed: &[("active_type_left_its_event", "{executed}: no process.run.completed of ")],
    },
    Lie {
        told: "a gate that somebody else is said to have changed",
        sql: "ALTER TABLE dot.dot_config DISABLE TRIGGER gate_history;
            UPDATE dot.dot_config SET updated_by = 'alice' WHERE key = 'process_dot_runtime.real_run_enabled';
            ALTER TABLE dot.dot_config ENABLE ALWAYS TRIGGER gate_history",
        noticed: &[("gate_agrees_with_its_history", "process_dot_runtime.real_run_enabled: it says 'false' until changed, by alice, its history 'false' until changed, by ann")],
    },
    Lie {
        told: "a gate history whose who and why were rewritten",
        sql: "ALTER TABLE dot.dot_config DISABLE TRIGGER gate_history;
            UPDATE dot.dot_config_history SET actor = 'alice', reason = 'asked for by the board'; UPDATE dot.dot_config SET updated_by = 'alice';
            ALTER TABLE dot.dot_config ENABLE ALWAYS TRIGGER gate_history",
        noticed: &[("gate_agrees_with_its_history", "process_dot_runtime.real_run_enabled: it says 'false'")],
    },
];
