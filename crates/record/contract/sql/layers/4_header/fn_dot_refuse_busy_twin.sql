-- Refuses a call whose id or idempotency key another open transaction is using.
CREATE OR REPLACE FUNCTION fn_dot_refuse_busy_twin() RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  PERFORM fn_dot_refuse('busy', 'another transaction that has not ended uses the same id or idempotency key');
END;
$$;
