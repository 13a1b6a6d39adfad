-- 'blocked' is never stored: the call is refused like one with an unknown status.
CREATE OR REPLACE FUNCTION fn_dot_refuse_wrapper_status(p_wrapper_status text) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  PERFORM fn_dot_refuse('status_invalid', CASE
      WHEN p_wrapper_status = 'blocked' THEN 'blocked is never stored: nothing is inserted'
    ELSE format('there is no wrapper status %L', left(p_wrapper_status, 100)) END);
END;
$$;
