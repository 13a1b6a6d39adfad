-- The idempotency key under which the run of a request is begun: the ledger's unique index then allows one run a
-- request, ever, however many workers claim it one after the other.
CREATE OR REPLACE FUNCTION fn_dot_request_run_key(p_request_id uuid) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
#variable_conflict use_column
BEGIN
  RETURN 'request:' || p_request_id;
END;
$$;
