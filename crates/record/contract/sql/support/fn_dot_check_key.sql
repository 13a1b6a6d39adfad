-- Refuses an idempotency key of a reserved form. A caller that could use such a key would prevent the row that the
-- contract derives it for: 'request:<request_id>' is the key of a claimed request's run (fn_process_run_begin),
-- 'backfill:<digests>' that of a backfilled row without its own key (fn_process_backfill). Null passes. Functions that
-- test for the two prefixes inline, to save this call, refer to this list.
CREATE OR REPLACE FUNCTION fn_dot_check_key(p_idempotency_key text) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  IF p_idempotency_key ~ '^(request|backfill):' THEN
    PERFORM fn_dot_refuse('key_reserved',
      format('keys that begin with %s: are reserved', split_part(p_idempotency_key, ':', 1)),
      jsonb_build_object('idempotency_key', left(p_idempotency_key, 200)));
  END IF;
END;
$$;
