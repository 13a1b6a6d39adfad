-- Returns a slot of a (candidate, producer) pair that no other transaction holds, locked until the transaction ends; a
-- new one where all are held. A slot has one verifier: p_verifier is the one to count, or null. See
-- tables/0003_rollup.sql.
CREATE OR REPLACE FUNCTION fn_dot_rollup_slot(p_process_candidate_code text, p_dot_code text, p_verifier text)
  RETURNS text
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_slot text;
BEGIN
  SELECT r.slot INTO v_slot FROM process_observation_rollup r
  WHERE r.process_candidate_code = p_process_candidate_code AND r.dot_code = p_dot_code AND r.slot NOT LIKE 'pair %'
    AND (p_verifier IS NULL OR r.verifier_dot_code IS NULL OR r.verifier_dot_code = p_verifier)
  LIMIT 1 FOR UPDATE SKIP LOCKED;
  IF NOT FOUND THEN
    v_slot := gen_random_uuid()::text;
    INSERT INTO process_observation_rollup (process_candidate_code, dot_code, slot, last_observed_at)
    VALUES (p_process_candidate_code, p_dot_code, v_slot, '-infinity');
  END IF;
  RETURN v_slot;
END;
$$;
