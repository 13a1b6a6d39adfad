-- Held shared by whoever writes an event, exclusively by whoever switches a type on or off. So a type's history tells
-- exactly when it was active: no event of a transaction that began earlier can appear after the switch.
CREATE OR REPLACE FUNCTION fn_dot_event_lock_key() RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS $$
#variable_conflict use_column
BEGIN
  RETURN hashtextextended('dotwrap event types of ' || current_schema(), 0);
END;
$$;
