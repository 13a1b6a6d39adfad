//! Tampered evidence of executions.

use super::Lie;

pub(super) const LIES: &[Lie] = &[
    Lie {
        told: "a receipt of a contract that nobody set",
        sql: "UPDATE dot.dot_invocation SET contract_sha256 = repeat('0', 64) WHERE invocation_id = '{producer_receipt}'",
        noticed: &[("receipt_is_of_a_kept_contract", "{producer_receipt}: the registry keeps no version 0000")],
    },
    Lie {
        told: "a verifier under another contract than the one of its run's beginning",
        sql: "UPDATE dot.dot_invocation i SET verifier_contract_sha256 = repeat('1', 64) WHERE i.invocation_id = '{producer_receipt}'",
        noticed: &[("receipt_is_of_a_kept_contract", "{verifier_receipt}: the verifier's contract none is not that of the instant")],
    },
    Lie {
        told: "a verdict without a receipt",
        sql: "ALTER TABLE dot.process_component_observation DROP CONSTRAINT process_component_execution_needs_receipt;
            UPDATE dot.process_component_observation SET verdict = 'pass' WHERE component_run_id = '{stepwise_verifier}'",
        noticed: &[
            ("execution_has_its_receipt", "{stepwise_verifier}: SIMULATED_DRY_RUN with the verdict pass without a receipt"),
            ("constraints_are_there", "process_component_observation: no constraint that says CHECK (((invocation_id IS NOT NULL)"),
        ],
    },
    Lie {
        told: "a real run without a receipt",
        sql: "ALTER TABLE dot.process_component_observation DROP CONSTRAINT process_component_execution_needs_receipt;
            UPDATE dot.process_component_observation SET evidence_type = 'REAL_RUN' WHERE component_run_id = '{stepwise_producer}'",
        noticed: &[
            ("execution_has_its_receipt", "{stepwise_producer}: REAL_RUN without a receipt"),
            ("constraints_are_there", "process_component_observation"),
            ("evidence_not_above_the_headers", "{stepwise_producer}: the component claims REAL_RUN, its header SIMULATED_DRY_RUN"),
            ("rollup_counts_the_ledger", "PROC:copy"),
        ],
    },
    Lie {
        told: "a receipt that is only named",
        sql: "SET session_replication_role = replica;
            UPDATE dot.process_component_observation SET verdict = 'pass', invocation_id = '{nowhere}', evidence_ref = evidence_ref - 'no_execute'
            WHERE component_run_id = '{stepwise_verifier}'",
        noticed: &[("execution_has_its_receipt", "{stepwise_verifier}")],
    },
    Lie {
        told: "a producer that passes itself",
        sql: "UPDATE dot.process_component_observation SET verdict = 'pass' WHERE component_run_id = '{executed_producer}'",
        noticed: &[("verdict_is_a_verifiers", "{executed_producer}: a producer with the verdict pass")],
    },
    Lie {
        told: "a receipt of another DOT beneath a component that claims nothing",
        sql: "UPDATE dot.dot_invocation SET dot_code = 'COMPARE' WHERE invocation_id = '{dry_verifier_receipt}'",
        noticed: &[
            ("receipt_fits_its_component", "is of the DOT COMPARE"),
            ("receipt_is_of_a_declared_contract", "{dry_verifier_receipt}: COMPARE was never bound to command:tar in mode DRY_RUN"),
        ],
    },
    Lie {
        told: "a real run on another DOT's receipt: neither the view nor the judge falls for it",
        sql: "UPDATE dot.dot_invocation SET dot_code = 'PACK' WHERE invocation_id = '{producer_receipt}'",
        noticed: &[
            ("receipt_fits_its_component", "{executed_producer}"),
            ("receipt_is_of_a_declared_contract", "{producer_receipt}: PACK was never bound to command:cp in mode REAL_RUN"),
        ],
    },
    Lie {
        told: "a call of something else than the receipt names",
        sql: "UPDATE dot.process_component_observation SET evidence_ref = evidence_ref || '{\"endpoint_ref\": \"command:mv\"}'
            WHERE component_run_id = '{executed_producer}'",
        noticed: &[("receipt_names_what_was_called", "{executed_producer}: called command:mv, its receipt {producer_receipt} is for command:cp")],
    },
    Lie {
        told: "one receipt for two components",
        sql: "DROP INDEX dot.process_component_receipt_once;
            UPDATE dot.process_component_observation SET invocation_id = '{dry_producer_receipt}', evidence_ref = evidence_ref - 'no_execute'
            WHERE component_run_id = '{stepwise_producer}'",
        noticed: &[
            ("receipt_used_once", "{dry_producer_receipt}: used by 2 components"),
            ("receipt_fits_its_component", "{stepwise_producer}: its receipt {dry_producer_receipt} is of the run {dry}"),
            ("steps_are_in_the_order_of_the_clock", "{stepwise_producer}"),
            ("unique_indexes_are_there", "process_component_observation: no valid unique index of every invocation_id"),
        ],
    },
    Lie {
        told: "a call that began before its run",
        sql: "UPDATE dot.process_component_observation SET started_at = created_at - interval '2 hours', ended_at = created_at
            WHERE component_run_id = '{executed_producer}'",
        noticed: &[("times_are_within_the_call", "{executed_producer}: the call is said to have lasted from")],
    },
    Lie {
        told: "a call that ended after its recording",
        sql: "UPDATE dot.process_component_observation SET started_at = created_at, ended_at = created_at + interval '2 hours'
            WHERE component_run_id = '{executed_producer}'",
        noticed: &[("times_are_within_the_call", "{executed_producer}: the call is said to have lasted from")],
    },
    Lie {
        told: "a receipt younger than its component",
        sql: "UPDATE dot.process_component_observation SET created_at = created_at - interval '1 minute' WHERE component_run_id = '{executed_producer}'",
        noticed: &[("steps_are_in_the_order_of_the_clock", "{executed_producer}: written at")],
    },
    Lie {
        told: "a receipt and its component made up together",
        sql: "BEGIN;
            INSERT INTO dot.process_run_observation (process_run_id, dot_code, process_candidate_code, correlation_id, status, evidence_type,
              source_system, lease_name, lease_token, evidence_ref, actor)
            VALUES ('{made}', 'COPY', 'PROC:copy', 'corr-m', 'started', 'DRY_RUN', 'eve', 'dot_exec:COPY', '{made}',
              '{\"wrapper\": \"dot_exec_wrapper\", \"actor\": \"eve\", \"posture\": \"DRY_RUN_ONLY\"}', 'eve');
            UPDATE dot.dot_iu_runtime_lease SET process_run_id = '{made}' WHERE lease_name = 'dot_exec:COPY';
            INSERT INTO dot.dot_invocation (invocation_id, process_run_id, dot_code, component_role, mode, posture, endpoint_ref, runner, begun_change_number, cluster_id)
            VALUES ('{made}', '{made}', 'COPY', 'producer', 'DRY_RUN', 'DRY_RUN_ONLY', 'command:cp', 'eve', (SELECT s.change_number FROM dot.dot_gate_state s), dot.fn_dot_cluster_id());
            INSERT INTO dot.process_component_observation (component_run_id, process_run_id, component_role, process_candidate_code, correlation_id,
              dot_code, invocation_id, status, evidence_type, source_system, evidence_ref, actor)
            VALUES ('{made_too}', '{made}', 'producer', 'PROC:copy', 'corr-m', 'COPY', '{made}', 'step_completed', 'DRY_RUN', 'eve',
              '{\"wrapper\": \"dot_exec_wrapper\", \"actor\": \"eve\", \"posture\": \"DRY_RUN_ONLY\"}', 'eve');
            COMMIT",
        noticed: &[("receipt_of_an_earlier_transaction", "{made_too}: written in the transaction of its receipt {made}")],
    },
    Lie {
        told: "a second try of one side",
        sql: "ALTER TABLE dot.dot_invocation DROP CONSTRAINT dot_invocation_once_a_role;
            INSERT INTO dot.dot_invocation (invocation_id, process_run_id, dot_code, component_role, mode, posture, endpoint_ref, runner, begun_change_number, cluster_id)
            VALUES ('{made}', '{dry}', 'PACK', 'producer', 'DRY_RUN', 'DRY_RUN_ONLY', 'command:tar', 'eve', (SELECT s.change_number FROM dot.dot_gate_state s), dot.fn_dot_cluster_id())",
        noticed: &[
            ("one_receipt_a_role", "{dry}: 2 receipts in the role producer"),
            ("constraints_are_there", "dot_invocation: no constraint that says UNIQUE (process_run_id, component_role)"),
            ("run_view_shows_the_ledger", "{dry}: the view shows it 2 times"),
        ],
    },
    Lie {
        told: "a receipt of a run without a lease",
        sql: "INSERT INTO dot.dot_invocation (invocation_id, process_run_id, dot_code, component_role, mode, posture, endpoint_ref, runner, begun_change_number, cluster_id)
            VALUES ('{made}', '{dry_header}', 'COPY', 'producer', 'DRY_RUN', 'DRY_RUN_ONLY', 'command:cp', 'eve', (SELECT s.change_number FROM dot.dot_gate_state s), dot.fn_dot_cluster_id())",
        noticed: &[("receipt_has_its_run", "{made}: no lease was bound to its run {dry_header}")],
    },
    Lie {
        told: "a real run's receipt in a lower posture",
        sql: "UPDATE dot.dot_invocation SET posture = 'DRY_RUN_ONLY' WHERE invocation_id = '{producer_receipt}'",
        noticed: &[("receipt_posture_allows_its_mode", "{producer_receipt}: mode REAL_RUN in posture DRY_RUN_ONLY")],
    },
    Lie {
        told: "a verifier's receipt in a lower posture than the gates showed",
        sql: "UPDATE dot.dot_invocation SET posture = 'NO_EXECUTE' WHERE invocation_id = '{verifier_receipt}'",
        noticed: &[(
            "receipt_posture_is_shown_by_the_gates",
            "{verifier_receipt}: posture NO_EXECUTE, but no gate was closed",
        )],
    },
    Lie {
        told: "a verifier that was called behind the closing of a gate",
        sql: "UPDATE dot.dot_invocation SET posture = 'DRY_RUN_ONLY', begun_change_number = 5 WHERE invocation_id = '{verifier_receipt}'",
        noticed: &[(
            "run_could_go_on_when_its_verifier_was_called",
            "{verifier_receipt}: process_dot_runtime.real_run_enabled was closed before it, by change 5",
        )],
    },
    Lie {
        told: "a verifier that was called behind a window whose end stops runs",
        sql: "ALTER TABLE dot.dot_config DISABLE TRIGGER gate_history;
            UPDATE dot.dot_config SET stop_at_end = true WHERE key = 'iu_core.operator_runtime_enabled';
            ALTER TABLE dot.dot_config ENABLE ALWAYS TRIGGER gate_history;
            UPDATE dot.dot_config_history SET stop_at_end = true WHERE change_number = 1;
            UPDATE dot.dot_invocation SET posture = 'NO_EXECUTE', begun_at = begun_at + interval '2 hours' WHERE invocation_id = '{dry_verifier_receipt}'",
        noticed: &[
            ("run_could_go_on_when_its_verifier_was_called", "{dry_verifier_receipt}: the window of iu_core.operator_runtime_enabled had ended"),
            ("minted_ids_tell_their_time", "{dry_verifier_receipt}: the receipt is of"),
            ("steps_are_in_the_order_of_the_clock", "0d000000-0000-7000-8000-00000000000b: written at"),
        ],
    },
    Lie {
        told: "a posture that no gate allowed then",
        sql: "UPDATE dot.dot_invocation SET posture = 'REAL_RUN' WHERE invocation_id = '{dry_verifier_receipt}'",
        noticed: &[(
            "receipt_posture_is_shown_by_the_gates",
            "{dry_verifier_receipt}: posture REAL_RUN, but closed were: process_dot_runtime.real_run_enabled",
        )],
    },
    Lie {
        told: "a posture whose gate had run out long before",
        sql: "UPDATE dot.dot_invocation SET begun_at = begun_at + interval '2 hours' WHERE invocation_id = '{dry_verifier_receipt}'",
        noticed: &[
            ("receipt_posture_is_shown_by_the_gates", "{dry_verifier_receipt}: posture DRY_RUN_ONLY, but closed were: iu_core.operator_runtime_enabled"),
            ("minted_ids_tell_their_time", "{dry_verifier_receipt}: the receipt is of"),
            ("steps_are_in_the_order_of_the_clock", "0d000000-0000-7000-8000-00000000000b: written at"),
        ],
    },
    Lie {
        told: "a receipt that saw no gate open",
        sql: "UPDATE dot.dot_invocation SET begun_change_number = 0 WHERE invocation_id = '{dry_producer_receipt}'",
        noticed: &[("receipt_posture_is_shown_by_the_gates", "{dry_producer_receipt}: posture DRY_RUN_ONLY, but closed were")],
    },
    Lie {
        told: "receipts that a closing did not see",
        sql: "UPDATE dot.dot_config_history SET saw_every_receipt = false, snapshot = '3:3:' WHERE change_number = 5",
        noticed: &[(
            "receipt_is_not_void",
            "{executed_producer}: its receipt {producer_receipt} missed the closing of process_dot_runtime.real_run_enabled",
        )],
    },
    Lie {
        told: "components and receipts above their header",
        sql: "UPDATE dot.process_run_observation SET evidence_type = 'SIMULATED_DRY_RUN', evidence_ref = evidence_ref || '{\"no_execute\": true}'
            WHERE process_run_id = '{dry}'",
        noticed: &[("evidence_not_above_the_headers", "{dry_producer_receipt}: the receipt claims DRY_RUN")],
    },
    Lie {
        told: "a header above its posture",
        sql: "UPDATE dot.process_run_observation SET evidence_ref = evidence_ref || '{\"posture\": \"NO_EXECUTE\"}' WHERE process_run_id = '{dry_header}'",
        noticed: &[("header_posture_allows_its_evidence", "{dry_header}: DRY_RUN in posture NO_EXECUTE")],
    },
    Lie {
        told: "a verdict on another output",
        sql: "UPDATE dot.dot_invocation SET input_digest =
          'sha256:9999999999999999999999999999999999999999999999999999999999999999' WHERE invocation_id =
          '{verifier_receipt}'",
        noticed: &[(
            "verifier_looked_at_the_producers_output",
            "{verifier_receipt}: it bears 'sha256:9999999999999999999999999999999999999999999999999999999999999999', the producer's output 'sha256:1234123412341234123412341234123412341234123412341234123412341234'",
        )],
    },
    Lie {
        told: "backfilled evidence that hides its source",
        sql: "UPDATE dot.process_run_observation SET evidence_ref = evidence_ref - 'source_sha256' WHERE process_run_id = '{backfilled}'",
        noticed: &[("backfilled_names_its_source", "{backfilled}: no SHA-256 of the source")],
    },
    Lie {
        told: "a verdict that another login put in",
        sql: "UPDATE dot.process_component_observation SET recorded_by = 'eve' WHERE component_run_id = '{executed_verifier}'",
        noticed: &[("receipt_and_component_are_of_one_login", "{executed_verifier}: recorded by eve, its receipt {verifier_receipt} by ")],
    },
    Lie {
        told: "a pass of nothing",
        sql: "UPDATE dot.process_component_observation SET output_digest = NULL WHERE component_run_id = '{executed_producer}';
            UPDATE dot.dot_invocation SET input_digest = NULL WHERE invocation_id = '{verifier_receipt}'",
        noticed: &[("pass_is_of_an_output", "{executed_verifier}: its receipt {verifier_receipt} bears no digest")],
    },
    Lie {
        told: "a pass of a verifier that failed",
        sql: "UPDATE dot.process_component_observation SET status = 'failed' WHERE component_run_id = '{executed_verifier}'",
        noticed: &[
            ("pass_is_of_a_completed_verifier", "{executed_verifier}: it is failed, and says pass"),
            ("rollup_knows_the_best_evidence", "COMPARE: kept is the rank 3"),
        ],
    },
    Lie {
        told: "a pass of a verifier that never completed",
        sql: "UPDATE dot.process_component_observation SET status = 'observed' WHERE component_run_id =
          '{executed_verifier}'",
        noticed: &[
            ("pass_is_of_a_completed_verifier", "{executed_verifier}: it is observed, and says pass"),
            ("rollup_knows_the_best_evidence", "COMPARE: kept is the rank 3"),
        ],
    },
    Lie {
        told: "digests of no form",
        sql: "UPDATE dot.process_component_observation SET output_digest = 'md5:1' WHERE component_run_id =
          '{executed_producer}';
            UPDATE dot.dot_invocation SET input_digest = 'md5:1' WHERE invocation_id = '{verifier_receipt}'",
        noticed: &[("digest_has_its_form", "{verifier_receipt}: its input_digest is 'md5:1'")],
    },
    Lie {
        told: "a component that ended before it started",
        sql: "UPDATE dot.process_component_observation SET started_at = created_at, ended_at = created_at - interval
          '1 second'
            WHERE component_run_id = '{executed_producer}'",
        noticed: &[("times_are_in_order", "{executed_producer}: started at ")],
    },
    Lie {
        told: "a run that ends in the year after",
        sql: "UPDATE dot.process_run_observation SET ended_at = created_at + interval '1 year' WHERE process_run_id =
          '{stepwise}'",
        noticed: &[("times_are_in_order", "{stepwise}: its time ")],
    },
    Lie {
        told: "another actor in the tags",
        sql: "UPDATE dot.process_component_observation SET evidence_ref = evidence_ref || '{\"actor\": \"mallory\"}' WHERE component_run_id = '{stepwise_verifier}'",
        noticed: &[("tags_are_the_wrappers", "{stepwise_verifier}: actor 'mallory', the row has 'ann'")],
    },
    Lie {
        told: "a simulated run without its no_execute",
        sql: "UPDATE dot.process_run_observation SET evidence_ref = evidence_ref - 'no_execute' WHERE process_run_id = '{simulated}'",
        noticed: &[("tags_are_the_wrappers", "{simulated}: nothing was executed")],
    },
    Lie {
        told: "a completed run that is tagged skipped",
        sql: "UPDATE dot.process_run_observation SET evidence_ref = evidence_ref || '{\"skipped\": true}' WHERE process_run_id = '{stepwise}'",
        noticed: &[("tags_fit_the_status", "{stepwise}: tagged skipped, but completed")],
    },
    Lie {
        told: "a receipt for what was never declared",
        sql: "UPDATE dot.dot_invocation SET endpoint_ref = 'command:true' WHERE invocation_id = '{verifier_receipt}';
            UPDATE dot.process_component_observation SET evidence_ref = evidence_ref || '{\"endpoint_ref\": \"command:true\"}'
            WHERE component_run_id = '{executed_verifier}'",
        noticed: &[("receipt_is_of_a_declared_contract", "{verifier_receipt}: COMPARE was never bound to command:true in mode REAL_RUN for PROC:copy")],
    },
    Lie {
        told: "a run of another candidate than its contract's",
        sql: "UPDATE dot.process_run_observation SET process_candidate_code = 'PROC:nobodys' WHERE process_run_id = '{executed}';
            UPDATE dot.process_component_observation SET process_candidate_code = 'PROC:nobodys' WHERE process_run_id = '{executed}';
            UPDATE dot.dot_run_request SET process_candidate_code = 'PROC:nobodys' WHERE request_id = '{request}';
            UPDATE dot.dot_iu_runtime_lease SET observed_candidate = 'PROC:nobodys' WHERE lease_name = 'dot_exec:COPY'",
        noticed: &[
            ("receipt_is_of_a_declared_contract", "{verifier_receipt}: COMPARE was never bound to command:cmp in mode REAL_RUN for PROC:nobodys"),
            ("real_run_is_of_a_declared_pair", "PROC:nobodys: 1 real runs of COPY"),
        ],
    },
    Lie {
        told: "calls that another login made, in receipts and components alike",
        sql: "UPDATE dot.dot_invocation SET recorded_by = 'alice' WHERE process_run_id = '{executed}';
            UPDATE dot.process_component_observation SET recorded_by = 'alice' WHERE process_run_id = '{executed}'",
        noticed: &[("receipt_and_header_are_of_one_login", "{producer_receipt}: opened by alice, its run {executed} was begun by ")],
    },
    Lie {
        told: "a header of another time than its receipt",
        sql: "UPDATE dot.process_run_observation SET created_at = created_at - interval '2 days' WHERE process_run_id = '{executed}'",
        noticed: &[("receipt_and_header_are_of_one_time", "{producer_receipt}: opened at ")],
    },
    Lie {
        told: "a real run of a runner that called nothing",
        sql: "UPDATE dot.process_component_observation SET started_at = NULL, ended_at = NULL, evidence_ref = evidence_ref - 'endpoint_ref'
            WHERE process_run_id = '{executed}'",
        noticed: &[("parts_lack_an_invokers_record", "{executed_producer}: it does not say what was called, when the call began, when it ended")],
    },
];
