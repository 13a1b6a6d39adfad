//! Tampered views and counts.

use super::Lie;

pub(super) const LIES: &[Lie] = &[
    Lie {
        told: "a ladder on which everybody stands on top",
        sql: "ALTER VIEW dot.v_process_discovery_candidate_status_v3 RENAME TO v_honest;
            CREATE VIEW dot.v_process_discovery_candidate_status_v3 AS
            SELECT process_candidate_code, has_real_runtime, has_cross_component_correlation, owner_missing, best_evidence_type,
              'birth_ready'::text AS candidate_status_v3, birth_gate_status_v3 FROM dot.v_honest;
            ALTER VIEW dot.v_process_discovery_candidate_status_v3 OWNER TO dot_owner;
            GRANT SELECT ON dot.v_process_discovery_candidate_status_v3 TO dot_reader",
        noticed: &[("ladder_is_proven", "the question is not asked: v_process_discovery_candidate_status_v3 is not the release's")],
    },
    Lie {
        told: "a ladder that leaves somebody out",
        sql: "ALTER VIEW dot.v_process_discovery_candidate_status_v3 RENAME TO v_honest;
            CREATE VIEW dot.v_process_discovery_candidate_status_v3 AS SELECT * FROM dot.v_honest WHERE process_candidate_code <> 'PROC:copy';
            ALTER VIEW dot.v_process_discovery_candidate_status_v3 OWNER TO dot_owner;
            GRANT SELECT ON dot.v_process_discovery_candidate_status_v3 TO dot_reader",
        noticed: &[("ladder_is_proven", "the question is not asked: v_process_discovery_candidate_status_v3 is not the release's")],
    },
    Lie {
        told: "simulated evidence among the verified",
        sql: "CREATE OR REPLACE VIEW dot.v_process_discovery_verified_candidates_v3 AS
            SELECT process_candidate_code, has_real_runtime, has_cross_component_correlation, owner_missing, best_evidence_type,
              candidate_status_v3, birth_gate_status_v3 FROM dot.v_process_discovery_candidate_status_v3",
        noticed: &[("verified_candidates_are_proven", "the question is not asked: v_process_discovery_verified_candidates_v3 is not the release's")],
    },
    Lie {
        told: "a verified candidate that is not shown",
        sql: "CREATE OR REPLACE VIEW dot.v_process_discovery_verified_candidates_v3 AS
            SELECT process_candidate_code, has_real_runtime, has_cross_component_correlation, owner_missing, best_evidence_type,
              candidate_status_v3, birth_gate_status_v3 FROM dot.v_process_discovery_candidate_status_v3 WHERE false",
        noticed: &[("verified_candidates_are_proven", "the question is not asked: v_process_discovery_verified_candidates_v3 is not the release's")],
    },
    Lie {
        told: "a readiness that nobody reached",
        sql: "CREATE OR REPLACE VIEW dot.v_process_discovery_birth_readiness_v3 AS
            SELECT process_candidate_code, has_real_runtime, has_cross_component_correlation, owner_missing, best_evidence_type,
              'birth_ready'::text AS candidate_status_v3, birth_gate_status_v3, NULL::text AS next_rung, NULL::text AS missing,
              false AS has_inferred_pair, NULL::uuid AS verified_run_id, NULL::timestamptz AS verified_produced_at,
                  NULL::text AS producer_contract_sha256, NULL::text AS verifier_contract_sha256, NULL::boolean AS contracts_current
            FROM dot.v_process_discovery_candidate_status_v3",
        noticed: &[("birth_readiness_is_proven", "the question is not asked: v_process_discovery_birth_readiness_v3 is not the release's")],
    },
    Lie {
        told: "a pair that is declared round its function",
        sql: "INSERT INTO dot.process_candidate_pair (process_candidate_code, dot_code, declared_by) VALUES ('PROC:nobodys', 'COPY', 'ann')",
        noticed: &[("candidate_pair_agrees_with_its_history", "PROC:nobodys: COPY is declared for it, its history says nothing")],
    },
    Lie {
        told: "a confirmation that is taken back without a trace",
        sql: "UPDATE dot.process_candidate_pair SET is_inferred = true",
        noticed: &[("candidate_pair_agrees_with_its_history", "PROC:copy: COPY is inferred for it, its history says declared")],
    },
    Lie {
        told: "a pair that is declared no more, without a trace",
        sql: "DELETE FROM dot.process_candidate_pair",
        noticed: &[
            ("candidate_pair_agrees_with_its_history", "PROC:copy: COPY is not declared for it, its history says declared"),
            ("real_run_is_of_a_declared_pair", "PROC:copy: 1 real runs of COPY"),
        ],
    },
    Lie {
        told: "a ladder on which undeclared pairs count",
        sql: "SELECT dot.fn_process_candidate_pair_set('PROC:copy', 'COPY', 'ann', 'borrowed', false);
            ALTER VIEW dot.v_process_discovery_candidate_status_v3 RENAME TO v_honest;
            CREATE VIEW dot.v_process_discovery_candidate_status_v3 AS
            SELECT process_candidate_code, true AS has_real_runtime, true AS has_cross_component_correlation, owner_missing, 'REAL_RUN'::text AS best_evidence_type,
              'birth_ready'::text AS candidate_status_v3, 'BIRTH_READY'::text AS birth_gate_status_v3 FROM dot.v_honest WHERE process_candidate_code = 'PROC:copy'
            UNION ALL SELECT * FROM dot.v_honest WHERE process_candidate_code <> 'PROC:copy';
            ALTER VIEW dot.v_process_discovery_candidate_status_v3 OWNER TO dot_owner;
            GRANT SELECT ON dot.v_process_discovery_candidate_status_v3 TO dot_reader",
        noticed: &[
            ("ladder_is_proven", "the question is not asked: v_process_discovery_candidate_status_v3 is not the release's"),
            ("real_run_is_of_a_declared_pair", "PROC:copy: 1 real runs of COPY"),
        ],
    },
    Lie {
        told: "a list of runs without those that failed",
        sql: "ALTER VIEW dot.v_process_run RENAME TO v_honest;
            CREATE VIEW dot.v_process_run AS SELECT * FROM dot.v_honest WHERE status <> 'failed';
            ALTER VIEW dot.v_process_run OWNER TO dot_owner;
            GRANT SELECT ON dot.v_process_run TO dot_reader",
        noticed: &[("run_view_shows_the_ledger", "the question is not asked: v_process_run is not the release's")],
    },
    Lie {
        told: "a list of runs that shows what headers claim",
        sql: "ALTER VIEW dot.v_process_run RENAME TO v_honest;
            CREATE VIEW dot.v_process_run AS SELECT process_run_id, correlation_id, process_candidate_code, status,
              verdict,
              header_evidence_type AS evidence_type, header_evidence_type, producer_evidence_type,
                verifier_evidence_type FROM dot.v_honest;
            ALTER VIEW dot.v_process_run OWNER TO dot_owner;
            GRANT SELECT ON dot.v_process_run TO dot_reader",
        noticed: &[("run_view_shows_the_ledger", "the question is not asked: v_process_run is not the release's")],
    },
    Lie {
        told: "a view that is gone: its question cannot be asked, the others are",
        sql: "DROP VIEW dot.v_process_run",
        noticed: &[("run_view_shows_the_ledger", "the schema: the question cannot be asked")],
    },
    Lie {
        told: "a count that nobody counted",
        sql: "UPDATE dot.dot_iu_runtime_lease SET observed_runs = observed_runs + 1 WHERE observed_candidate = 'PROC:copy'",
        noticed: &[("rollup_counts_the_ledger", "PROC:copy: kept")],
    },
    Lie {
        told: "a count that lifts a candidate",
        sql: "UPDATE dot.process_observation_rollup SET simulated_count = simulated_count + 1 WHERE process_candidate_code = 'PROC:old' AND dot_code = 'COPY'",
        noticed: &[
            ("rollup_counts_the_ledger", "PROC:old: kept"),
            ("ladder_is_proven", "PROC:old: the view shows simulated_observed"),
            ("birth_readiness_is_proven", "PROC:old"),
        ],
    },
    Lie {
        told: "a sum that adds more than there is",
        sql: "CREATE OR REPLACE VIEW dot.v_process_discovery_runtime_observed AS
            SELECT r.process_candidate_code, (sum(r.run_count) + 1000)::bigint AS run_count, sum(r.real_run_count)::bigint AS real_run_count,
              sum(r.dry_run_count)::bigint AS dry_run_count, sum(r.simulated_count)::bigint AS simulated_count,
              sum(r.backfilled_count)::bigint AS backfilled_count, sum(r.component_count)::bigint AS component_count,
              max(r.last_observed_at) AS last_observed_at
            FROM dot.v_process_observation_rollup r GROUP BY r.process_candidate_code",
        noticed: &[("observed_view_adds_the_rollup", "the question is not asked: v_process_discovery_runtime_observed is not the release's")],
    },
    Lie {
        told: "a wrapper that was never seen running for real, by its counts",
        sql: "UPDATE dot.process_observation_rollup SET producer_best = 3, producer_evidence_type = 'REAL_RUN' WHERE dot_code = 'ALONE'",
        noticed: &[("rollup_knows_the_best_evidence", "ALONE: kept is the rank 3, the ledger has 0")],
    },
];
