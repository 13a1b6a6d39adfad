-- Takes the pair's lease and gives it back, and counts the pair, where the common path of fn_process_pair_observe could
-- not: the lease was never taken before, it last served another candidate or verifier, or somebody holds it, which is refused. The
-- caller has the lease's lock.
CREATE OR REPLACE FUNCTION fn_dot_lease_pass(
  p_lease_name text, p_holder text, p_ttl_seconds integer, p_process_candidate_code text, p_verifier text, p_process_run_id uuid, p_now timestamptz) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
  v_lease dot_iu_runtime_lease;
BEGIN
  IF NOT fn_dot_lease_take(p_lease_name, p_holder, gen_random_uuid(), p_ttl_seconds, true) THEN
    PERFORM fn_dot_lease_refuse(p_lease_name);
  END IF;
  SELECT * INTO v_lease FROM dot_iu_runtime_lease l WHERE l.lease_name = p_lease_name;
  IF v_lease.observed_runs > 0 THEN
    PERFORM fn_dot_rollup_lease(v_lease);
  END IF;
  UPDATE dot_iu_runtime_lease l
  SET observed_candidate = p_process_candidate_code, observed_verifier = p_verifier, observed_runs = 1, observed_at = p_now, observed_run_id = p_process_run_id
  WHERE l.lease_name = p_lease_name;
END;
$$;
