-- Until when the session's login does not get a lease again, because an operator took it away; null where nobody did
-- within a day. Once: until that lease would have expired, where more than five minutes of it were left. A holder that
-- died is taken the lease once, and its successor, with the same login, goes on at once. Twice within a day: five
-- minutes at least. Three times: an hour at least. So a login that acquires the lease again after each release, however
-- short, keeps the pair for a bounded time.
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
  -- A lease lives for a day at most: the index finds those of yesterday and today by their expiry.
  WHERE f.lease_name = p_lease_name AND f.holder_login = session_user
    AND f.expires_at > p_now - interval '1 day' AND f.released_at > p_now - interval '1 day';
  RETURN v_until;
END;
$$;
