-- Undoes the count of a pair whose header existed already: that run was counted when it was written. Looks up the last
-- pair again in the newest runs; this case is rare enough for that.
CREATE OR REPLACE FUNCTION fn_dot_rollup_undo_lease(p_lease_name text) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_lease dot_iu_runtime_lease;
  v_last  process_run_observation;
BEGIN
  SELECT * INTO v_lease FROM dot_iu_runtime_lease l WHERE l.lease_name = p_lease_name;
  IF v_lease.observed_runs > 1 THEN
    SELECT r.* INTO v_last
    FROM process_run_observation r
    JOIN process_component_observation c ON c.process_run_id = r.process_run_id AND c.component_role = 'verifier'
    WHERE r.process_candidate_code = v_lease.observed_candidate
      AND r.dot_code = substr(p_lease_name, length('dot_exec:') + 1)
      AND c.dot_code = v_lease.observed_verifier AND c.evidence_type = v_lease.observed_type
    ORDER BY r.created_at DESC LIMIT 1;
  END IF;
  UPDATE dot_iu_runtime_lease l
  SET observed_runs = l.observed_runs - 1, observed_run_id = v_last.process_run_id, observed_at = v_last.created_at
  WHERE l.lease_name = p_lease_name;
END;
$$;
