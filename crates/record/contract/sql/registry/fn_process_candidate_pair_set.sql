-- Declares that a producer's real runs count for a candidate, or confirms a pair that an upgrade inferred. With
-- p_declared => false it removes the pair, and the ladder no longer counts those runs. Returns declared, confirmed,
-- kept, removed or absent.
CREATE OR REPLACE FUNCTION fn_process_candidate_pair_set(
  p_process_candidate_code text, p_dot_code text, p_actor text, p_reason text DEFAULT NULL,
  p_declared boolean DEFAULT true) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
DECLARE
  -- Null counts as false.
  v_is_declared boolean := coalesce(p_declared, false);
BEGIN
  IF fn_dot_is_blank(p_actor) THEN
    PERFORM fn_dot_refuse('actor_required', 'the actor (p_actor) is missing');
  ELSIF fn_dot_is_blank(p_process_candidate_code) THEN
    PERFORM fn_dot_refuse('candidate_required', 'the candidate''s code is missing');
  ELSIF p_dot_code IS NULL THEN
    PERFORM fn_dot_refuse('unknown_dot', 'the producer''s code is missing');
  END IF;
  PERFORM fn_dot_check_text_length(200, jsonb_build_object('actor', p_actor,
    'process_candidate_code', p_process_candidate_code, 'dot_code', p_dot_code));
  PERFORM fn_dot_check_text_length(2000, jsonb_build_object('reason', p_reason));
  PERFORM fn_dot_registry_lock();
  -- A pair with an unregistered candidate can be removed: an upgrade may have inferred a misspelled code.
  IF v_is_declared THEN
    PERFORM fn_dot_check_candidate(p_process_candidate_code);
    IF NOT EXISTS (SELECT FROM dot_tools t WHERE t.dot_code = p_dot_code AND t.pair_role = 'producer') THEN
      PERFORM fn_dot_refuse_pair(p_dot_code);
    END IF;
  END IF;
  RETURN fn_dot_candidate_pair_write(p_process_candidate_code, p_dot_code, v_is_declared, p_actor,
    fn_dot_null_if_blank(p_reason));
END;
$$;
