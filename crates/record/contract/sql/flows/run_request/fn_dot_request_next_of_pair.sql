-- Returns and locks the request of a pair, mode and priority that a worker claims next, or null: the one that is due
-- for longest and whose lease is neither held nor needed by a claimed request. Looks at the first 200 that are due, so
-- that a long queue for one busy lease costs no more than that. The caller has locked the producer's row in the
-- registry.
CREATE OR REPLACE FUNCTION fn_dot_request_next_of_pair(
  p_dot_code text, p_mode text, p_priority smallint, p_is_scoped boolean, p_now timestamptz) RETURNS uuid
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_id         uuid;
  v_pair_lease text := fn_dot_lease_name(p_dot_code);
BEGIN
  -- The pair's own lease keeps every run of the pair out.
  IF EXISTS (SELECT FROM dot_iu_runtime_lease l
             WHERE l.lease_name = v_pair_lease AND l.released_at IS NULL AND l.expires_at > p_now)
     OR NOT p_is_scoped AND EXISTS (SELECT FROM dot_run_request x
             WHERE x.state = 'claimed' AND x.lease_name = v_pair_lease AND x.claimed_until > p_now) THEN
    RETURN NULL;
  END IF;
  SELECT r.request_id INTO v_id
  FROM (SELECT w.request_id, w.lease_name, w.not_before FROM dot_run_request w
        WHERE w.state = 'waiting' AND w.dot_code = p_dot_code AND w.mode = p_mode AND w.priority = p_priority
          AND w.not_before <= p_now
        ORDER BY w.not_before LIMIT 200) c
  JOIN dot_run_request r ON r.request_id = c.request_id
  WHERE r.state = 'waiting'
    AND NOT EXISTS (SELECT FROM dot_run_request x
      WHERE x.state = 'claimed' AND x.lease_name = c.lease_name AND x.claimed_until > p_now)
    AND NOT EXISTS (SELECT FROM dot_iu_runtime_lease l
      WHERE l.lease_name = c.lease_name AND l.released_at IS NULL AND l.expires_at > p_now)
  ORDER BY c.not_before LIMIT 1 FOR NO KEY UPDATE OF r SKIP LOCKED;
  RETURN v_id;
END;
$$;
