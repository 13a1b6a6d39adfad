//! Tampered relations between rows of a run.

use super::Lie;

pub(super) const LIES: &[Lie] = &[
    Lie {
        told: "a component of a run that is not there",
        sql: "SET session_replication_role = replica;
            INSERT INTO dot.process_component_observation (component_run_id, process_run_id, component_role, process_candidate_code,
              correlation_id, dot_code, status, source_system, evidence_ref, actor)
            VALUES ('{made}', '{nowhere}', 'producer', 'PROC:copy', 'corr-x', 'COPY', 'observed', 'eve', '{tags}', 'eve');
            SET search_path = dot, pg_temp; SELECT dot.fn_dot_rollup_component('PROC:copy', '{nowhere}', 'COPY', 'producer', 'SIMULATED_DRY_RUN')",
        noticed: &[("component_has_its_run", "{made}")],
    },
    Lie {
        told: "a component of another correlation",
        sql: "UPDATE dot.process_component_observation SET correlation_id = 'another' WHERE component_run_id = '{stepwise_verifier}'",
        noticed: &[(
            "component_agrees_with_its_run",
            "{stepwise_verifier}: correlation id 'another', the header has 'corr-7'",
        )],
    },
    Lie {
        told: "a component moved to another candidate",
        sql: "UPDATE dot.process_component_observation SET process_candidate_code = 'PROC:nobodys' WHERE component_run_id = '{stepwise_verifier}'",
        noticed: &[
            (
                "component_agrees_with_its_run",
                "{stepwise_verifier}: candidate 'PROC:nobodys'",
            ),
            ("rollup_counts_the_ledger", "PROC:nobodys"),
        ],
    },
    Lie {
        told: "a second producer",
        sql: "ALTER TABLE dot.process_component_observation DROP CONSTRAINT process_component_role_once;
            INSERT INTO dot.process_component_observation (component_run_id, process_run_id, component_role, process_candidate_code,
              correlation_id, dot_code, status, source_system, evidence_ref, actor)
            VALUES ('{made}', '{stepwise}', 'producer', 'PROC:copy', 'corr-7', 'COPY', 'step_completed', 'eve', '{tags}', 'eve');
            SET search_path = dot, pg_temp; SELECT dot.fn_dot_rollup_component('PROC:copy', '{stepwise}', 'COPY', 'producer', 'SIMULATED_DRY_RUN')",
        noticed: &[
            ("one_component_a_role", "{stepwise}: 2 components in the role producer"),
            ("constraints_are_there", "UNIQUE (process_run_id, component_role)"),
            ("run_view_shows_the_ledger", "{stepwise}: the view shows it 2 times"),
        ],
    },
    Lie {
        told: "a header that names another producer",
        sql: "UPDATE dot.process_run_observation SET dot_code = 'PACK' WHERE process_run_id = '{stepwise}'",
        noticed: &[(
            "producer_is_the_headers",
            "{stepwise_producer}: producer COPY in a run of PACK",
        )],
    },
    Lie {
        told: "a DOT that nobody registered",
        sql: "UPDATE dot.process_run_observation SET dot_code = 'GHOST' WHERE process_run_id = '{lone_header}'",
        noticed: &[("dot_is_known", "{lone_header}: the header names the DOT 'GHOST'")],
    },
    Lie {
        told: "no lie: a pair that changed its roles since",
        // A run of the pair is under way, and an import refuses such a change: it comes from before that was so.
        sql: r#"UPDATE dot.dot_iu_runtime_lease SET process_run_id = NULL WHERE lease_name = 'dot_exec:PACK';
            SELECT dot.fn_dot_tools_import('[
              {"dot_code": "PACK", "name": "pack", "tier": "A", "paired_dot": "LIST", "pair_role": "verifier"},
              {"dot_code": "LIST", "name": "list", "tier": "A", "paired_dot": "PACK", "pair_role": "producer"}]', 'ann');
            UPDATE dot.dot_iu_runtime_lease SET process_run_id = '0d000000-0000-7000-8000-000000000001' WHERE lease_name = 'dot_exec:PACK'"#,
        noticed: &[
            ("role_fits_the_registry", "PACK is recorded as producer, today it is a verifier"),
        ],
    },
    Lie {
        told: "a header that names a verifier",
        sql: "UPDATE dot.process_run_observation SET dot_code = 'LIST' WHERE process_run_id = '{lone_header}'",
        noticed: &[(
            "role_fits_the_registry",
            "{lone_header}: its header names LIST as the producer, today it is a verifier",
        )],
    },
    Lie {
        told: "a verifier of another pair",
        sql: "UPDATE dot.process_component_observation SET dot_code = 'LIST' WHERE component_run_id = '{stepwise_verifier}'",
        noticed: &[(
            "run_is_of_one_pair",
            "{stepwise}: verifier LIST beside producer COPY, today it verifies PACK",
        )],
    },
    Lie {
        told: "an open run that its lease has forgotten",
        sql: "UPDATE dot.dot_iu_runtime_lease SET process_run_id = NULL WHERE lease_name = 'dot_exec:PACK'",
        noticed: &[
            ("lease_is_bound_once", "{dry}: not concluded"),
            ("observed_view_adds_the_rollup", "PROC:pack: the view shows 3 runs"),
        ],
    },
    Lie {
        told: "a run on each lease of one pair",
        sql: "INSERT INTO dot.dot_iu_runtime_lease (lease_name, lease_holder, lease_token, acquired_at, expires_at, process_run_id)
            SELECT 'dot_exec:LIST', lease_holder, '{nowhere}', acquired_at, expires_at, '{nowhere}'
            FROM dot.dot_iu_runtime_lease WHERE lease_name = 'dot_exec:PACK'",
        noticed: &[(
            "lease_is_bound_once",
            "{dry}: the leases 'dot_exec:PACK' and 'dot_exec:LIST', of one pair, hold a run each",
        )],
    },
    Lie {
        told: "a run under another pair's lease",
        sql: "UPDATE dot.process_run_observation SET lease_name = 'dot_exec:PACK' WHERE process_run_id = '{executed}'",
        noticed: &[("lease_is_bound_once", "{executed}")],
    },
    Lie {
        told: "a second run under one token",
        sql: "UPDATE dot.process_run_observation SET lease_name = 'dot_exec:COPY', lease_token = '{executed_lease}' WHERE process_run_id = '{simulated}'",
        noticed: &[
            ("lease_is_bound_once", "{simulated}: its lease token is bound to 2 runs"),
            ("observed_view_adds_the_rollup", "PROC:copy"),
            ("rollup_counts_the_ledger", "PROC:copy"),
        ],
    },
    Lie {
        told: "another actor and login in the parts of a pair's call",
        sql: "UPDATE dot.process_component_observation SET recorded_by = 'alice', actor = 'bob', evidence_ref = evidence_ref || '{\"actor\": \"bob\"}'
            WHERE process_run_id = '{simulated}'",
        noticed: &[("rows_of_one_call_agree", "recorded by alice for bob, its header, of the same instant, by ")],
    },
    Lie {
        told: "a lease that is taken for a year",
        sql: "UPDATE dot.dot_iu_runtime_lease SET lease_holder = 'eve', released_at = NULL, expires_at = now() + interval '1 year' WHERE lease_name = 'dot_exec:COPY'",
        noticed: &[("lease_ends_within_its_longest_life", "dot_exec:COPY: held by eve until ")],
    },
    Lie {
        told: "a stop of what was never begun",
        sql: "INSERT INTO dot.dot_run_stop (process_run_id, actor, reason) VALUES ('{simulated}', 'eve', 'no reason')",
        noticed: &[("stop_is_of_a_begun_run", "{simulated}: stopped by 'eve', and never begun")],
    },
    Lie {
        told: "a stop that its run did not heed",
        sql: "INSERT INTO dot.dot_run_stop (process_run_id, actor, reason, stopped_at)
            SELECT i.process_run_id, 'eve', 'no reason', i.begun_at - interval '1 ms' FROM dot.dot_invocation i WHERE i.invocation_id = '{dry_verifier_receipt}'",
        noticed: &[("nothing_is_called_behind_a_stop", "{dry_verifier_receipt}: opened at")],
    },
];
