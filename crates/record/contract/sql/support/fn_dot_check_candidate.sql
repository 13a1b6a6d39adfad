-- Refuses a candidate that is not registered, such as a misspelled code.
CREATE OR REPLACE FUNCTION fn_dot_check_candidate(p_process_candidate_code text) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  IF NOT EXISTS (SELECT FROM process_candidate c WHERE c.process_candidate_code = p_process_candidate_code) THEN
    PERFORM fn_dot_refuse('candidate_unknown',
      format('no candidate %L is registered', left(p_process_candidate_code, 200)),
      jsonb_build_object('process_candidate_code', left(p_process_candidate_code, 200)));
  END IF;
END;
$$;
