-- Refuses an invalid batch. A batch is a JSON array of at most 1000 objects. Ids are UUIDs, times are ISO 8601, and a
-- lease's time to live is in whole seconds. A time may also be 'now', the database's clock, for an event that has just
-- happened. The size limit bounds the locks of one call. The calling functions check everything else.
--
-- All entries are parsed together, as the calling functions do. Only where that fails, each entry is parsed alone, so
-- that the message can name it.
CREATE OR REPLACE FUNCTION fn_dot_check_batch(p_calls jsonb) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_call record;
  v_wrong text;
BEGIN
  IF jsonb_typeof(p_calls) IS DISTINCT FROM 'array' THEN
    PERFORM fn_dot_refuse('batch_invalid', 'the calls are not a JSON array');
  ELSIF jsonb_array_length(p_calls) > 1000 THEN
    PERFORM fn_dot_refuse('batch_invalid', format('these are %s calls', jsonb_array_length(p_calls)),
      jsonb_build_object('calls', jsonb_array_length(p_calls), 'limit', 1000));
  END IF;
  BEGIN
    IF NOT EXISTS (
        SELECT FROM jsonb_to_recordset(p_calls) AS c (process_run_id uuid, parent_run_id uuid, invocation_id uuid,
          lease_token uuid, component_run_id uuid, started_at text, ended_at text, lease_ttl_seconds integer)
        -- A time of this form without white space is in UTC, as the client sends it, and cheap to recognize.
        WHERE (c.started_at NOT LIKE '____-__-__T__:__:__%Z' OR c.started_at LIKE '% %')
            AND c.started_at NOT IN ('now', '-infinity') AND NOT fn_dot_is_iso_time(c.started_at)
          OR (c.ended_at NOT LIKE '____-__-__T__:__:__%Z' OR c.ended_at LIKE '% %')
            AND c.ended_at NOT IN ('now', '-infinity') AND NOT fn_dot_is_iso_time(c.ended_at)
          -- Never true: it forces both to be parsed.
          OR isfinite(c.started_at::timestamptz) IS NULL AND c.started_at IS NOT NULL
          OR isfinite(c.ended_at::timestamptz) IS NULL AND c.ended_at IS NOT NULL) THEN
      RETURN;
    END IF;
  EXCEPTION WHEN data_exception THEN
    NULL;
  END;
  FOR v_call IN SELECT e.value, e.ordinality FROM jsonb_array_elements(p_calls) WITH ORDINALITY e LOOP
    v_wrong := NULL;
    IF jsonb_typeof(v_call.value) <> 'object' THEN
      v_wrong := 'it is not an object';
    ELSE
      SELECT format('%s is not a time in ISO 8601, with an offset or Z', t.key) INTO v_wrong
      FROM jsonb_each_text(v_call.value) t
      WHERE t.key IN ('started_at', 'ended_at') AND t.value NOT IN ('now', '-infinity')
        AND NOT fn_dot_is_iso_time(t.value);
      BEGIN
        PERFORM FROM jsonb_to_record(v_call.value) AS c (process_run_id uuid, parent_run_id uuid, invocation_id uuid,
          lease_token uuid, component_run_id uuid, started_at timestamptz, ended_at timestamptz,
          lease_ttl_seconds integer);
      EXCEPTION WHEN data_exception THEN
        v_wrong := coalesce(v_wrong, left(SQLERRM, 500));
      END;
    END IF;
    IF v_wrong IS NOT NULL THEN
      PERFORM fn_dot_refuse('batch_invalid', format('call %s: %s', v_call.ordinality, v_wrong),
        jsonb_build_object('call', v_call.ordinality));
    END IF;
  END LOOP;
END;
$$;
