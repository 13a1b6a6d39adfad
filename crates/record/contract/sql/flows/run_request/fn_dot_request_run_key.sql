-- Returns the idempotency key of a request's run. With it the ledger's unique index allows one run per request, however
-- many workers claim the request.
CREATE OR REPLACE FUNCTION fn_dot_request_run_key(p_request_id uuid) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
#variable_conflict use_column
BEGIN
  RETURN 'request:' || p_request_id;
END;
$$;
