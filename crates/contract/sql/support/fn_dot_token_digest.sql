-- What is kept of a token: the first half of its SHA-256, as a UUID. The token itself is known to its holder alone, so
-- that a role that reads the tables can not act with it. Hot paths spell it out.
CREATE OR REPLACE FUNCTION fn_dot_token_digest(p_token uuid) RETURNS uuid
LANGUAGE plpgsql IMMUTABLE AS $$
#variable_conflict use_column
BEGIN
  RETURN encode(substring(sha256(uuid_send(p_token)) FROM 1 FOR 16), 'hex')::uuid;
END;
$$;
