-- A UUIDv7 (RFC 9562): 48 bits of milliseconds, then random bits. Time-ordered keys keep new index entries together
-- instead of spreading them over the whole index. PostgreSQL 18 has uuidv7(); 15 to 17 do not. plpgsql, because a SQL
-- function with a pinned search_path is not inlined and costs several times as much.
CREATE OR REPLACE FUNCTION fn_dot_uuid_v7() RETURNS uuid
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
BEGIN
  -- The version nibble of a random UUID is 0100; setting bits 52 and 53 makes it 0111.
  RETURN encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
    PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6),
    52, 1), 53, 1), 'hex')::uuid;
END;
$$;
