-- Acquires and releases the pair's lease and counts the pair, where the common path of fn_process_pair_observe could
-- not: the lease was never acquired before, it last counted another candidate, verifier or evidence type, or it is
-- held, which is refused. The caller has locked the lease.
CREATE OR REPLACE FUNCTION fn_dot_lease_acquire_and_release(
  p_lease_name text, p_holder text, p_ttl_seconds integer, p_process_candidate_code text, p_verifier text,
  p_process_run_id uuid, p_now timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  IF NOT fn_dot_lease_take(p_lease_name, p_holder, gen_random_uuid(), p_ttl_seconds, true) THEN
    PERFORM fn_dot_lease_refuse(p_lease_name);
  END IF;
  PERFORM fn_dot_rollup_lease(p_lease_name, p_process_candidate_code, p_verifier, 'SIMULATED_DRY_RUN', p_process_run_id,
    p_now);
END;
$$;
