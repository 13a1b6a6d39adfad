-- Returns a digest as it is stored: 'sha256:' and 64 lower-case hex digits, or null where it is blank. Refuses any
-- other text: a digest that names no algorithm, or has too few digits, says nothing about the bytes that a verifier
-- looked at.
CREATE OR REPLACE FUNCTION fn_dot_check_digest(p_name text, p_digest text) RETURNS text
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  IF fn_dot_is_blank(p_digest) THEN
    RETURN NULL;
  ELSIF p_digest !~ '^sha256:[0-9a-f]{64}$' THEN
    PERFORM fn_dot_refuse('digest_invalid', format('%s is not sha256: and 64 lower-case hex digits', p_name),
      jsonb_build_object('argument', p_name, 'value', left(p_digest, 100)));
  END IF;
  RETURN p_digest;
END;
$$;
