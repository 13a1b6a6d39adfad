-- The stored form of a token: the first half of its SHA-256, as a UUID. Only the holder has the token itself, so a role
-- that reads the tables cannot use it. Hot paths have this expression inline.
CREATE OR REPLACE FUNCTION fn_dot_token_digest(p_token uuid) RETURNS uuid
LANGUAGE plpgsql IMMUTABLE AS $$
#variable_conflict use_column
BEGIN
  RETURN encode(substring(sha256(uuid_send(p_token)) FROM 1 FOR 16), 'hex')::uuid;
END;
$$;
