-- Imports evidence that another source asserts: one header and one component per row, always BACKFILLED_EVIDENCE, with
-- the asserting actor, the source and the digest of the source. It never counts as more than backfilled. Imports all
-- rows or none, and skips rows that exist already. Returns the number of new rows.
CREATE OR REPLACE FUNCTION fn_process_backfill(p_rows jsonb, p_actor text, p_source_ref text, p_source_sha256 text)
  RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
DECLARE
  v_row    jsonb;
  v_number bigint := 0;
  v_new    bigint := 0;
BEGIN
  IF fn_dot_is_blank(p_actor) THEN
    PERFORM fn_dot_refuse('actor_required', 'the actor (p_actor) is missing');
  ELSIF fn_dot_is_blank(p_source_ref) THEN
    PERFORM fn_dot_refuse('source_required', 'the source is missing');
  ELSIF p_source_sha256 IS NULL OR p_source_sha256 !~ '^[0-9a-f]{64}$' THEN
    PERFORM fn_dot_refuse('source_required', 'the source''s digest is not a SHA-256 in 64 lower-case hex digits');
  ELSIF p_rows IS NULL OR jsonb_typeof(p_rows) <> 'array' THEN
    PERFORM fn_dot_refuse('backfill_row_invalid', 'the rows are not a JSON array');
  END IF;
  PERFORM fn_dot_check_text_length(200, jsonb_build_object('actor', p_actor));
  PERFORM fn_dot_check_text_length(2000, jsonb_build_object('source_ref', p_source_ref));
  -- A row waits at most five seconds for a transaction that uses its id or key. One block for all rows, because each
  -- block costs a transaction id.
  BEGIN
    -- Iterates over an array: a loop over a query is a cursor, which a preflight check that runs inside could move.
    FOREACH v_row IN ARRAY ARRAY(SELECT e.value FROM jsonb_array_elements(p_rows) WITH ORDINALITY e
      ORDER BY e.ordinality) LOOP
      v_number := v_number + 1;
      v_new := v_new + fn_process_backfill_row(v_row, v_number, p_actor, p_source_ref, p_source_sha256);
    END LOOP;
  EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    PERFORM fn_dot_refuse_busy_twin();
  END;
  RETURN v_new;
END;
$$;
