-- What became of the transaction that last touched the row of dot_gate_state, by the row's xmax: 'in progress', 'committed',
-- 'aborted', or null where the server no longer knows. Nothing locks that row but an update, so its xmax is a transaction's id.
CREATE OR REPLACE FUNCTION fn_dot_gate_change_status(p_xmax xid) RETURNS text
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_next bigint := pg_snapshot_xmax(pg_current_snapshot())::text::bigint;
  v_away bigint := p_xmax::text::bigint - (v_next & 4294967295);
BEGIN
  -- The id with its epoch: the one that is nearest to the next id.
  v_away := v_away + CASE WHEN v_away > 2147483648 THEN -4294967296 WHEN v_away < -2147483648 THEN 4294967296 ELSE 0 END;
  RETURN pg_xact_status((v_next + v_away)::text::xid8);
END;
$$;
