-- Functions that took or returned a table's row type. An extension that distributes tables renames them, and a function whose
-- signature names such a type no longer fits the table of that name. Their successors take and return plain columns.
DROP FUNCTION IF EXISTS fn_dot_run_of_key(text, text, text, text, text);
DROP FUNCTION IF EXISTS fn_dot_pair_of_run(process_run_observation);
DROP FUNCTION IF EXISTS fn_dot_check_not_concluded(process_run_observation);
DROP FUNCTION IF EXISTS fn_dot_check_part_is_seen(process_run_observation, text);
DROP FUNCTION IF EXISTS fn_dot_check_receipt(uuid, process_run_observation, text, text, text);
DROP FUNCTION IF EXISTS fn_dot_check_role(text, text, process_run_observation);
DROP FUNCTION IF EXISTS fn_dot_check_run_is_seen(process_run_observation);
DROP FUNCTION IF EXISTS fn_dot_check_run_lease(uuid, uuid);
DROP FUNCTION IF EXISTS fn_dot_rollup_run(process_run_observation);
DROP FUNCTION IF EXISTS fn_dot_conclusion_write(process_run_observation, text, text, text, text, text, jsonb);
DROP FUNCTION IF EXISTS fn_dot_contract_of(text, text, text);
DROP FUNCTION IF EXISTS fn_dot_receipt_write(uuid, dot_agent_api_contract, text, text, text, bigint, text, text);
DROP FUNCTION IF EXISTS fn_dot_run_begun(uuid, uuid);
DROP FUNCTION IF EXISTS fn_dot_check_request(dot_run_request, text, text, text, text);
DROP FUNCTION IF EXISTS fn_dot_request_of_key(dot_run_request);
DROP FUNCTION IF EXISTS fn_dot_request_of_run_key(text);

-- Nothing reads it any more: a change of a gate is found by its number (dot_config_history_by_number).
DROP INDEX dot_config_history_by_change;
