-- Pauses a DOT: no run of its pair begins and no request for it is claimed before p_until; without it, until the DOT is
-- resumed. Runs that were begun go on. Simulations are recorded. A second pause
-- replaces the first. Returns true.
CREATE OR REPLACE FUNCTION fn_dot_tool_pause(p_dot_code text, p_actor text, p_reason text,
  p_until timestamptz DEFAULT 'infinity') RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
BEGIN
  IF fn_dot_is_blank(p_reason) THEN
    PERFORM fn_dot_refuse('reason_required', 'why the DOT is paused is missing');
  ELSIF p_until IS NULL OR p_until <= clock_timestamp()
        OR p_until <> 'infinity' AND NOT fn_dot_is_representable_time(p_until) THEN
    PERFORM fn_dot_refuse('expiry_invalid', 'a pause ends in the future');
  END IF;
  RETURN fn_dot_tool_set_pause(p_dot_code, p_actor, p_reason, p_until);
END;
$$;
