-- Declares, confirms or removes a candidate of a producer. Returns declared, confirmed, kept, removed or absent.
-- Callers have checked the arguments. Waits at most five seconds for another change of the same pair.
CREATE OR REPLACE FUNCTION fn_dot_candidate_pair_write(
  p_process_candidate_code text, p_dot_code text, p_is_declared boolean, p_actor text, p_reason text) RETURNS text
LANGUAGE plpgsql SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
DECLARE
  v_change text;
BEGIN
  BEGIN
    IF p_is_declared THEN
      -- One change of a pair at a time: locks the row, or its entry in the primary key.
      INSERT INTO process_candidate_pair (process_candidate_code, dot_code, declared_by)
      VALUES (p_process_candidate_code, p_dot_code, p_actor) ON CONFLICT DO NOTHING;
      IF FOUND THEN
        v_change := 'declared';
      ELSE
        UPDATE process_candidate_pair AS p
        SET is_inferred = false, declared_by = p_actor, recorded_by = session_user, declared_at = clock_timestamp()
        WHERE p.process_candidate_code = p_process_candidate_code AND p.dot_code = p_dot_code AND p.is_inferred;
        v_change := CASE WHEN FOUND THEN 'confirmed' ELSE 'kept' END;
      END IF;
    ELSE
      DELETE FROM process_candidate_pair p
      WHERE p.process_candidate_code = p_process_candidate_code AND p.dot_code = p_dot_code;
      v_change := CASE WHEN FOUND THEN 'removed' ELSE 'absent' END;
    END IF;
  EXCEPTION WHEN lock_not_available THEN
    PERFORM fn_dot_refuse('busy', format('another transaction is changing the pair of %s and %s',
      left(p_process_candidate_code, 200), left(p_dot_code, 200)));
  END;
  IF v_change IN ('declared', 'confirmed', 'removed') THEN
    PERFORM fn_dot_registry_record_change('candidate_pair', p_process_candidate_code || ' ' || p_dot_code,
      jsonb_build_object('process_candidate_code', p_process_candidate_code, 'dot_code', p_dot_code,
        'is_declared', v_change <> 'removed', 'is_inferred', false, 'reason', p_reason), p_actor);
  END IF;
  RETURN v_change;
END;
$$;
