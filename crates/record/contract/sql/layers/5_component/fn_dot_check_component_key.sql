-- Refuses a component's key of the form '<key>:<dot_code>', which the pair and the backfill derive from the key of
-- their header. A caller that used the key derived from another header, or from a future one, would prevent the
-- recording of that header's call. Callers pass only keys that are not derived from the component's own header.
CREATE OR REPLACE FUNCTION fn_dot_check_component_key(p_idempotency_key text) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  -- A DOT's code contains no colon (dot_tools_code_without_colon).
  v_last text := substring(p_idempotency_key FROM ':([^:]*)$');
BEGIN
  PERFORM fn_dot_check_key(p_idempotency_key);
  IF EXISTS (SELECT FROM dot_tools t WHERE t.dot_code = v_last) THEN
    PERFORM fn_dot_refuse('key_reserved',
      format('<key>:%s is the key of a component whose header has the key <key>', v_last),
      jsonb_build_object('idempotency_key', left(p_idempotency_key, 200), 'dot_code', v_last));
  END IF;
END;
$$;
