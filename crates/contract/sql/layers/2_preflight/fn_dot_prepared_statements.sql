-- The prepared statements of this session, each name with a digest of what it is. Nobody can forge one that a driver
-- prepared by the protocol: from_sql tells it from one that was prepared by a command. One that a command of this very
-- message prepared could be forged, so it never compares equal.
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
