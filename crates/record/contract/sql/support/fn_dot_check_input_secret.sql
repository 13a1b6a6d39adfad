-- Refuses an input that has a password in its address: the input is recorded and shown to every reader.
CREATE OR REPLACE FUNCTION fn_dot_check_input_secret(p_input_ref text) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  IF p_input_ref ~* '[a-z][a-z0-9+.-]*://[^/?#@[:space:]]*:[^/?#@[:space:]]+@' THEN
    PERFORM fn_dot_refuse('input_has_secret', 'the input has a password in its address, and it would be recorded');
  END IF;
END;
$$;
