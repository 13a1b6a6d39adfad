-- One row per receipt, for readers of views: the permitted call, its time and login, and its outcome. recorded: its
-- component exists. void: a gate closed before the receipt was committed, so that it counts for nothing. open: the run
-- is open. unknown: the run was concluded without a record of this call.
CREATE OR REPLACE VIEW v_dot_invocation AS
SELECT i.invocation_id, i.process_run_id, r.correlation_id, i.dot_code, i.component_role, i.mode, i.posture,
  i.endpoint_ref, i.input_digest, i.runner, i.recorded_by, i.begun_at, c.component_run_id,
  CASE WHEN c.component_run_id IS NOT NULL THEN 'recorded'
    WHEN EXISTS (SELECT FROM v_dot_void_receipt o WHERE o.invocation_id = i.invocation_id) THEN 'void'
    WHEN x.process_run_id IS NULL THEN 'open' ELSE 'unknown' END AS state,
  i.contract_sha256
FROM dot_invocation i
JOIN process_run_observation r ON r.process_run_id = i.process_run_id
LEFT JOIN process_component_observation c ON c.process_run_id = i.process_run_id AND c.invocation_id = i.invocation_id
LEFT JOIN process_run_conclusion x ON x.process_run_id = i.process_run_id;
