-- Raises a refusal. The code is the error's CONSTRAINT and is repeated in DETAIL, because some poolers and distributed
-- planners drop CONSTRAINT. Callers pass truncated texts, so that a refusal never echoes a megabyte.
CREATE OR REPLACE FUNCTION fn_dot_refuse(p_code text, p_message text, p_detail jsonb DEFAULT '{}') RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_refusal v_dot_refusal_code;
BEGIN
  SELECT * INTO STRICT v_refusal FROM v_dot_refusal_code c WHERE c.code = p_code;
  RAISE EXCEPTION USING
    ERRCODE = v_refusal.sqlstate,
    MESSAGE = p_message,
    CONSTRAINT = p_code,
    DETAIL = (p_detail || jsonb_build_object('code', p_code))::text,
    HINT = v_refusal.hint;
END;
$$;
