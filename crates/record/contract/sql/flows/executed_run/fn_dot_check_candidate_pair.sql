-- Refuses a real run for a candidate that is not registered, or that the producer is not declared for
-- (v_process_candidate_pair). Without this check a run of a checksum tool could count as evidence for a backup, and a
-- misspelled code would create a candidate.
CREATE OR REPLACE FUNCTION fn_dot_check_candidate_pair(p_process_candidate_code text, p_dot_code text) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  PERFORM fn_dot_check_candidate(p_process_candidate_code);
  IF NOT EXISTS (SELECT FROM v_process_candidate_pair p
                 WHERE p.process_candidate_code = p_process_candidate_code AND p.dot_code = p_dot_code) THEN
    PERFORM fn_dot_refuse('candidate_pair_mismatch',
      format('real runs of %s are not declared to count for %s', p_dot_code, p_process_candidate_code),
      jsonb_build_object('process_candidate_code', p_process_candidate_code, 'dot_code', p_dot_code, 'declared_for',
        (SELECT coalesce(jsonb_agg(d.process_candidate_code), '[]') FROM (
           SELECT p.process_candidate_code FROM v_process_candidate_pair p WHERE p.dot_code = p_dot_code
           ORDER BY p.process_candidate_code LIMIT 10) d)));
  END IF;
END;
$$;
