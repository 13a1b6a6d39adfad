//! Tampered keys and ids.

use super::Lie;

pub(super) const LIES: &[Lie] = &[
    Lie {
        told: "one id for two components",
        sql: "ALTER TABLE dot.process_component_observation DROP CONSTRAINT process_component_observation_pkey;
            INSERT INTO dot.process_component_observation (component_run_id, process_run_id, component_role, process_candidate_code,
              correlation_id, dot_code, status, source_system, evidence_ref, actor)
            VALUES ('{stepwise_producer}', '{lone_header}', 'producer', 'PROC:headers', 'corr-9', 'ALONE', 'observed', 'eve', '{tags}', 'eve');
            SET search_path = dot, pg_temp; SELECT dot.fn_dot_rollup_component('PROC:headers', '{lone_header}', 'ALONE', 'producer', 'SIMULATED_DRY_RUN')",
        noticed: &[
            ("ids_are_unique", "{stepwise_producer}: 2 rows of process_component_observation"),
            ("constraints_are_there", "PRIMARY KEY (component_run_id)"),
        ],
    },
    Lie {
        told: "one idempotency key for two runs",
        sql: "DROP INDEX dot.process_run_idempotency;
            UPDATE dot.process_run_observation SET idempotency_key = 'twice' WHERE process_run_id IN ('{bare_header}', '{lone_header}')",
        noticed: &[
            ("idempotency_keys_are_unique", "twice: the key of 2 rows of process_run_observation"),
            ("unique_indexes_are_there", "process_run_observation: no valid unique index of every idempotency_key"),
        ],
    },
    Lie {
        told: "another attempt after one that passed",
        sql: "UPDATE dot.process_run_observation SET idempotency_key = 'request:{request}', attempt = 2, attempt_of = '{executed}'
            WHERE process_run_id = '{lone_header}'",
        noticed: &[("attempts_follow_each_other", "{lone_header}: begun ")],
    },
    Lie {
        told: "a second attempt without a first",
        sql: "UPDATE dot.process_run_observation SET idempotency_key = 'lost', attempt = 2, attempt_of = '{executed}'
            WHERE process_run_id = '{lone_header}'",
        noticed: &[("attempts_follow_each_other", "{lone_header}: attempt 2 of its key, and there is no attempt 1")],
    },
    Lie {
        told: "a component with the key of another run's",
        sql: "UPDATE dot.process_run_observation SET idempotency_key = 'theirs' WHERE process_run_id = '{lone_header}';
            UPDATE dot.process_component_observation SET idempotency_key = 'theirs:COMPARE' WHERE component_run_id = '{stepwise_verifier}'",
        noticed: &[("component_key_is_its_runs", "{stepwise_verifier}: its key 'theirs:COMPARE' is made of that of the run {lone_header}")],
    },
    Lie {
        told: "a refusal with an id that the database does not mint",
        sql: "INSERT INTO dot.dot_refusal (refusal_id, refusal_code, message, posture) VALUES (gen_random_uuid(), 'x', 'y', 'REAL_RUN')",
        noticed: &[("minted_ids_tell_their_time", ": the database mints no such id for a refusal")],
    },
    Lie {
        told: "a run that is moved to another year, all of its rows",
        sql: "UPDATE dot.process_run_observation SET created_at = created_at - interval '1 year' WHERE process_run_id = '{executed}';
            UPDATE dot.process_component_observation SET created_at = created_at - interval '1 year' WHERE process_run_id = '{executed}';
            UPDATE dot.process_run_conclusion SET concluded_at = concluded_at - interval '1 year' WHERE process_run_id = '{executed}';
            UPDATE dot.dot_invocation SET begun_at = begun_at - interval '1 year' WHERE process_run_id = '{executed}'",
        noticed: &[
            ("minted_ids_tell_their_time", "{producer_receipt}: the receipt is of "),
            ("times_are_within_the_call", "{executed_producer}: the call is said to have lasted from"),
        ],
    },
    Lie {
        told: "a key that was taken off a run",
        sql: "UPDATE dot.process_run_observation SET idempotency_key = NULL WHERE process_run_id = '{simulated}'",
        noticed: &[("parts_share_their_headers_key", "{simulated}: both of its parts have keys made of 'key-1', its header has no key")],
    },
];
