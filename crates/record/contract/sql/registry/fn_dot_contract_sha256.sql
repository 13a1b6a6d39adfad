-- The digest of a contract: the SHA-256 of its entry in the registry's history (fn_dot_contract_entry), without the
-- reason of the change. jsonb is canonical: one text for all spellings of a document.
CREATE OR REPLACE FUNCTION fn_dot_contract_sha256(p_entry jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
#variable_conflict use_column
BEGIN
  RETURN encode(sha256(convert_to((p_entry - 'reason')::text, 'UTF8')), 'hex');
END;
$$;
