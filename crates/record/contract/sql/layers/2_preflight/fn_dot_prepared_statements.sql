-- Returns the prepared statements of this session, each with a digest of its definition. A check cannot forge a
-- statement that a driver prepared by the protocol, because from_sql distinguishes it from one of a PREPARE command. A
-- statement that a PREPARE command of the current message created could be forged, so its digest never compares equal.
CREATE OR REPLACE FUNCTION fn_dot_prepared_statements() RETURNS jsonb
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
#variable_conflict use_column
BEGIN
  RETURN (SELECT coalesce(jsonb_object_agg(s.name, encode(sha256(convert_to(
      concat_ws(' ', extract(epoch FROM s.prepare_time), s.from_sql, s.parameter_types, s.statement,
        CASE WHEN s.from_sql AND s.prepare_time >= statement_timestamp() THEN gen_random_uuid() END), 'UTF8')), 'hex')),
          '{}')
    FROM pg_prepared_statement() s);
END;
$$;
