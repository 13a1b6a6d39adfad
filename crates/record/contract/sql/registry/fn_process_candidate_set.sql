-- Registers a candidate process, or changes its title and owner. Null keeps a value; a blank text removes it.
-- birth_ready needs an owner.
CREATE OR REPLACE FUNCTION fn_process_candidate_set(p_process_candidate_code text, p_title text, p_owner text,
  p_actor text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
DECLARE
  v_row process_candidate;
BEGIN
  IF fn_dot_is_blank(p_actor) THEN
    PERFORM fn_dot_refuse('actor_required', 'the actor (p_actor) is missing');
  ELSIF fn_dot_is_blank(p_process_candidate_code) THEN
    PERFORM fn_dot_refuse('candidate_required', 'the candidate''s code is missing');
  END IF;
  PERFORM fn_dot_check_text_length(200, jsonb_build_object('actor', p_actor,
      'process_candidate_code', p_process_candidate_code, 'owner', p_owner));
  PERFORM fn_dot_check_text_length(2000, jsonb_build_object('title', p_title));
  PERFORM fn_dot_registry_lock();
  INSERT INTO process_candidate AS c (process_candidate_code, title, owner)
  VALUES (p_process_candidate_code, coalesce(p_title, ''), CASE WHEN NOT fn_dot_is_blank(p_owner) THEN p_owner END)
  ON CONFLICT (process_candidate_code) DO UPDATE SET
    title = CASE WHEN p_title IS NULL THEN c.title ELSE excluded.title END,
    owner = CASE WHEN p_owner IS NULL THEN c.owner ELSE excluded.owner END
  RETURNING c.* INTO v_row;
  PERFORM fn_dot_registry_record_change('candidate', p_process_candidate_code, to_jsonb(v_row), p_actor);
  RETURN p_process_candidate_code;
END;
$$;
