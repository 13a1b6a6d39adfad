-- Parses one row of a backfill. Unknown members are returned as rest and stored as asserted.
CREATE OR REPLACE FUNCTION fn_process_backfill_parse(
  p_row jsonb, p_ordinality bigint,
  OUT dot_code text, OUT process_candidate_code text, OUT correlation_id text, OUT status text,
    OUT idempotency_key text,
  OUT process_run_id uuid, OUT input_ref text, OUT output_ref text, OUT error_ref text, OUT evidence_ref jsonb,
  OUT started_at timestamptz, OUT ended_at timestamptz, OUT rest jsonb)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_wrong text;
BEGIN
  IF jsonb_typeof(p_row) <> 'object' THEN
    PERFORM fn_dot_refuse('backfill_row_invalid', format('row %s is not an object', p_ordinality),
      jsonb_build_object('row', p_ordinality));
  END IF;
  IF NOT fn_dot_json_is_bounded(p_row) THEN
    PERFORM fn_dot_refuse('backfill_row_invalid',
      format('row %s: it is nested more than 32 levels deep, or has a number'
      ' beyond ±1e300 or with more than 300 decimal places', p_ordinality), jsonb_build_object('row', p_ordinality));
  END IF;
  SELECT string_agg(f.key, ', ' ORDER BY f.key) INTO v_wrong FROM jsonb_each(p_row) f
  WHERE f.key IN ('dot_code', 'process_candidate_code', 'correlation_id', 'status', 'idempotency_key', 'process_run_id',
    'input_ref', 'output_ref',
                  'error_ref', 'started_at', 'ended_at', 'evidence_type')
    AND jsonb_typeof(f.value) NOT IN ('string', 'null');
  IF v_wrong IS NOT NULL THEN
    PERFORM fn_dot_refuse('backfill_row_invalid', format('row %s: %s must be text', p_ordinality, v_wrong),
      jsonb_build_object('row', p_ordinality));
  END IF;
  SELECT t.key INTO v_wrong FROM jsonb_each_text(p_row) t
  WHERE t.key IN ('started_at', 'ended_at') AND NOT fn_dot_is_iso_time(t.value);
  IF v_wrong IS NOT NULL THEN
    PERFORM fn_dot_refuse('backfill_row_invalid', format('row %s: %s is %L, not a time in ISO 8601 with date, time, and'
      ' an offset or Z, as 2024-02-01T00:00:00Z', p_ordinality, v_wrong, left(p_row ->> v_wrong, 100)),
      jsonb_build_object('row', p_ordinality));
  END IF;
  BEGIN
    process_run_id := (p_row ->> 'process_run_id')::uuid;
    started_at := (p_row ->> 'started_at')::timestamptz;
    ended_at := (p_row ->> 'ended_at')::timestamptz;
  EXCEPTION WHEN data_exception THEN
    PERFORM fn_dot_refuse('backfill_row_invalid', format('row %s: %s', p_ordinality, left(SQLERRM, 500)),
      jsonb_build_object('row', p_ordinality));
  END;
  dot_code := p_row ->> 'dot_code';
  process_candidate_code := p_row ->> 'process_candidate_code';
  correlation_id := p_row ->> 'correlation_id';
  status := coalesce(p_row ->> 'status', 'completed');
  idempotency_key := CASE WHEN NOT fn_dot_is_blank(p_row ->> 'idempotency_key') THEN p_row ->> 'idempotency_key' END;
  input_ref := p_row ->> 'input_ref';
  output_ref := p_row ->> 'output_ref';
  error_ref := p_row ->> 'error_ref';
  evidence_ref := coalesce(nullif(p_row -> 'evidence_ref', 'null'), '{}');
  rest := p_row
    - '{dot_code,process_candidate_code,correlation_id,status,idempotency_key,process_run_id,input_ref,output_ref,'
      'error_ref,evidence_ref,started_at,ended_at,evidence_type}'::text[];
  v_wrong := CASE
    WHEN coalesce(p_row ->> 'evidence_type', 'BACKFILLED_EVIDENCE') <> 'BACKFILLED_EVIDENCE'
      THEN 'what comes from elsewhere is BACKFILLED_EVIDENCE and nothing else'
    WHEN status NOT IN ('observed', 'started', 'completed', 'failed', 'stuck', 'cancelled', 'orphan')
      THEN 'there is no such status'
    WHEN NOT (fn_dot_is_representable_time(started_at) AND fn_dot_is_representable_time(ended_at))
      THEN fn_dot_time_fault(started_at, ended_at)
    WHEN jsonb_typeof(evidence_ref) <> 'object' THEN 'evidence_ref is not an object'
  END;
  IF v_wrong IS NOT NULL THEN
    PERFORM fn_dot_refuse('backfill_row_invalid', format('row %s: %s', p_ordinality, v_wrong),
      jsonb_build_object('row', p_ordinality));
  END IF;
  v_wrong := fn_dot_time_fault(started_at, ended_at);
  IF v_wrong IS NOT NULL THEN
    PERFORM fn_dot_refuse('time_invalid', format('row %s: %s', p_ordinality, v_wrong),
      jsonb_build_object('row', p_ordinality));
  END IF;
END;
$$;
