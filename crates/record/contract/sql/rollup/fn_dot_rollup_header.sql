-- Counts a header. Evidence is counted from components only.
CREATE OR REPLACE FUNCTION fn_dot_rollup_header(p_process_candidate_code text, p_dot_code text) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_dot_code text := coalesce(p_dot_code, '');
  v_slot     text := fn_dot_rollup_slot(p_process_candidate_code, v_dot_code, NULL);
  v_now      timestamptz := clock_timestamp();
BEGIN
  UPDATE process_observation_rollup r SET run_count = r.run_count + 1, last_observed_at = v_now
  WHERE r.process_candidate_code = p_process_candidate_code AND r.dot_code = v_dot_code AND r.slot = v_slot;
END;
$$;
