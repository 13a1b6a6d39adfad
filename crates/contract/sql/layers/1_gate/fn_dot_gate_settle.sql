-- Waits, at most five seconds, for a change of a gate that is just being committed without having seen every receipt. A caller
-- that found the row of dot_gate_state in change (an xmax that is not zero) calls this, and then reads again. What a change that
-- was rolled back left in xmax is not waited for. Nothing locks that row but an update, so its xmax is a transaction's id.
CREATE OR REPLACE FUNCTION fn_dot_gate_settle() RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_until timestamptz := clock_timestamp() + interval '5 seconds';
  v_next  bigint;
  v_xmax  bigint;
  v_away  bigint;
BEGIN
  LOOP
    SELECT s.xmax::text::bigint, pg_snapshot_xmax(pg_current_snapshot())::text::bigint INTO v_xmax, v_next FROM dot_gate_state s;
    EXIT WHEN v_xmax = 0;
    -- The id with its epoch: the one that is nearest to the next id.
    v_away := v_xmax - (v_next & 4294967295);
    v_away := v_away + CASE WHEN v_away > 2147483648 THEN -4294967296 WHEN v_away < -2147483648 THEN 4294967296 ELSE 0 END;
    EXIT WHEN pg_xact_status((v_next + v_away)::text::xid8) IS DISTINCT FROM 'in progress';
    IF clock_timestamp() > v_until THEN
      PERFORM fn_dot_refuse('busy', 'another transaction is just changing a gate');
    END IF;
    PERFORM pg_sleep(0.005);
  END LOOP;
END;
$$;
