-- A pass needs an output with a digest and a verifier that did its work. A verifier's receipt without a digest, because
-- its producer committed none, cannot pass.
CREATE OR REPLACE FUNCTION fn_dot_check_verdict(p_verdict text, p_status text, p_invocation_id uuid) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  IF p_verdict IS DISTINCT FROM 'pass' THEN
    RETURN;
  ELSIF p_status <> 'step_completed' THEN
    PERFORM fn_dot_refuse('verdict_invalid',
      format('a verifier that is %s, not step_completed, has passed nothing', p_status));
  ELSIF EXISTS (SELECT FROM dot_invocation i WHERE i.invocation_id = p_invocation_id AND i.input_digest IS NULL) THEN
    PERFORM fn_dot_refuse('verdict_invalid', 'nothing can pass: the producer committed no digest of an output',
      jsonb_build_object('invocation_id', p_invocation_id));
  END IF;
END;
$$;
