-- Whether a JSON value can be stored as evidence: an object of at most 64 KiB that other programs can parse. Its text
-- form is created only after its numbers are known to be short: 1e60000 has seven characters as input and 60001 as
-- output.
CREATE OR REPLACE FUNCTION fn_dot_evidence_is_valid(p_evidence_ref jsonb) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
#variable_conflict use_column
BEGIN
  RETURN p_evidence_ref = '{}' OR CASE
    WHEN jsonb_typeof(p_evidence_ref) IS DISTINCT FROM 'object' THEN false
    WHEN NOT fn_dot_json_is_bounded(p_evidence_ref) THEN false
    ELSE octet_length(p_evidence_ref::text) <= 65536 END;
END;
$$;
