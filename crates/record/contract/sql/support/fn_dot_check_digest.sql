-- Returns a digest in its stored form: 'sha256:' and 64 lower-case hex digits, or null where it is blank. Refuses any
-- other text: a digest without an algorithm, or with too few digits, does not identify the bytes that a verifier read.
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
