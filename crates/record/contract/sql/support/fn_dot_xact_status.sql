-- Returns the status of the transaction whose id is a row's xmin or xmax: in progress, committed or aborted; null where
-- it is too old to be known. The epoch is chosen so that the id is nearest to the next id.
CREATE OR REPLACE FUNCTION fn_dot_xact_status(p_xid xid) RETURNS text
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_next bigint := pg_snapshot_xmax(pg_current_snapshot())::text::bigint;
  v_away bigint := p_xid::text::bigint - (v_next & 4294967295);
BEGIN
  v_away := v_away + CASE WHEN v_away > 2147483648 THEN -4294967296 WHEN v_away < -2147483648 THEN 4294967296 ELSE 0
    END;
  RETURN pg_xact_status((v_next + v_away)::text::xid8);
END;
$$;
