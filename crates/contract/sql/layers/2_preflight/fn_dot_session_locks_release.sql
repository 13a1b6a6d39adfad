-- Gives back the advisory locks that this session holds and did not hold before. True where there were any. Those of the
-- transaction are gone with the check's subtransaction.
CREATE OR REPLACE FUNCTION fn_dot_session_locks_release(p_before text[]) RETURNS boolean
-- The last of each key's unlockings warns that there is nothing left to unlock.
LANGUAGE plpgsql SET search_path FROM CURRENT SET client_min_messages = error AS $$
#variable_conflict use_column
DECLARE
  v_locks text[] := fn_dot_session_locks();
  v_lock  text[];
  v_first bigint;
  v_second bigint;
  v_is_left boolean := false;
BEGIN
  IF v_locks <@ p_before THEN
    RETURN false;
  END IF;
  FOR v_lock IN SELECT string_to_array(l, ' ') FROM unnest(v_locks) AS l WHERE NOT l = ANY (p_before) LOOP
    v_first := v_lock[1]::bigint; v_second := v_lock[2]::bigint;
    -- A key of one bigint (1), or of two integers (2). Each is given back as often as it was taken.
    LOOP
      EXIT WHEN NOT CASE v_lock[3] || ' ' || v_lock[4]
        WHEN '1 ExclusiveLock' THEN pg_advisory_unlock((v_first << 32) | v_second)
        WHEN '1 ShareLock' THEN pg_advisory_unlock_shared((v_first << 32) | v_second)
        WHEN '2 ExclusiveLock' THEN pg_advisory_unlock(fn_dot_signed_integer(v_first), fn_dot_signed_integer(v_second))
        ELSE pg_advisory_unlock_shared(fn_dot_signed_integer(v_first), fn_dot_signed_integer(v_second)) END;
    END LOOP;
    v_is_left := true;
  END LOOP;
  RETURN v_is_left;
END;
$$;
