-- Waits at most five seconds for a gate change that is committing without having seen every receipt. A caller that
-- finds the row of dot_gate_state in change (xmax is not zero) calls this function and then reads again. It does not
-- wait for the xmax of a change that was rolled back.
CREATE OR REPLACE FUNCTION fn_dot_gate_settle() RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_until timestamptz := clock_timestamp() + interval '5 seconds';
  v_xmax  xid;
BEGIN
  LOOP
    SELECT s.xmax INTO v_xmax FROM dot_gate_state s;
    EXIT WHEN v_xmax = '0' OR fn_dot_xact_status(v_xmax) IS DISTINCT FROM 'in progress';
    IF clock_timestamp() > v_until THEN
      PERFORM fn_dot_refuse('busy', 'another transaction is changing a gate');
    END IF;
    PERFORM pg_sleep(0.005);
  END LOOP;
END;
$$;
