-- Returns until when the session's login may not acquire the lease, because an operator released it by force within the
-- last day; otherwise null. After one forced release: until that lease would have expired, where more than five minutes
-- of it were left. A successor of a dead holder with the same login can therefore acquire it at once. After two within
-- a day: at least five minutes. After three: at least one hour. So a login that acquires the lease again after each
-- release holds the pair for a bounded time only.
CREATE OR REPLACE FUNCTION fn_dot_lease_barred_until(p_lease_name text, p_now timestamptz) RETURNS timestamptz
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_until timestamptz;
BEGIN
  SELECT CASE count(*)
      WHEN 0 THEN NULL
      WHEN 1 THEN max(f.expires_at) FILTER (WHERE f.expires_at > f.released_at + interval '5 minutes')
      WHEN 2 THEN greatest(max(f.expires_at), max(f.released_at) + interval '5 minutes')
      ELSE greatest(max(f.expires_at), max(f.released_at) + interval '1 hour') END
  INTO v_until
  FROM dot_lease_force_release f
  -- A lease lives for at most one day, so that the index on the expiry finds the rows of yesterday and today.
  WHERE f.lease_name = p_lease_name AND f.holder_login = session_user
    AND f.expires_at > p_now - interval '1 day' AND f.released_at > p_now - interval '1 day';
  RETURN v_until;
END;
$$;
