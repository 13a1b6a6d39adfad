-- Records the actor of a registry change and the resulting entry.
CREATE OR REPLACE FUNCTION fn_dot_registry_record_change(p_kind text, p_key text, p_entry jsonb, p_actor text)
  RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_now timestamptz := clock_timestamp();
BEGIN
  INSERT INTO dot_registry_history (change_id, kind, key, entry, actor, changed_at)
  VALUES (fn_dot_uuid_v7(), p_kind, p_key, p_entry, p_actor, v_now);
END;
$$;
