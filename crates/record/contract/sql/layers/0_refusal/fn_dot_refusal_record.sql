-- Records a refusal for counting and display. Clients call it after the refused transaction was rolled back, in a
-- transaction of its own. A refusal is no observation. Texts that are too long are truncated, because the record of a
-- refusal must not be refused for the defect that it reports.
--
-- The caller supplies every column except recorded_by, posture and refused_at; posture is the one at recording time. A
-- login cannot fill the table. A row has a few KiB at most, and the function keeps 1000 rows per login and hour, also
-- across concurrent transactions: each locks the login's row until it ends. The function writes no row and returns null
-- beyond that limit, and where another transaction of the same login holds that lock for one second.
CREATE OR REPLACE FUNCTION fn_dot_refusal_record(p_refusal jsonb) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '1s' AS $$
#variable_conflict use_column
DECLARE
  c_kept_an_hour CONSTANT bigint := 1000;
  v_refusal_id uuid := fn_dot_uuid_v7();
  v_now        timestamptz;
  v_said       jsonb;
  v_code       text;
  v_detail     jsonb;
BEGIN
  IF p_refusal IS NULL OR jsonb_typeof(p_refusal) <> 'object' THEN
    PERFORM fn_dot_refuse('evidence_ref_invalid', 'a refusal is a JSON object with at least refusal_code and message');
  END IF;
  BEGIN
    PERFORM FROM dot_lease_login x WHERE x.login = session_user FOR NO KEY UPDATE;
    IF NOT FOUND THEN
      INSERT INTO dot_lease_login (login) VALUES (session_user) ON CONFLICT DO NOTHING;
      PERFORM FROM dot_lease_login x WHERE x.login = session_user FOR NO KEY UPDATE;
    END IF;
  EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    RETURN NULL;
  END;
  v_now := clock_timestamp();
  -- Reads at most as many index entries as may be kept.
  IF (SELECT count(*) FROM (SELECT FROM dot_refusal r
      WHERE r.recorded_by = session_user AND r.refused_at BETWEEN v_now - interval '1 hour' AND v_now
      LIMIT c_kept_an_hour) k) >= c_kept_an_hour THEN
    RETURN NULL;
  END IF;
  -- Takes only JSON strings as texts: the text form of a JSON number can be thousands of times as long as its storage.
  SELECT coalesce(jsonb_object_agg(e.key, e.value), '{}') INTO v_said
  FROM jsonb_each(p_refusal) e WHERE jsonb_typeof(e.value) = 'string';
  -- The codes of this contract, and of clients of a newer contract, have one form.
  v_code := v_said ->> 'refusal_code';
  IF v_code IS NULL OR v_code !~ '^[a-z][a-z0-9_]{0,59}$' THEN
    v_code := 'unknown';
  END IF;
  v_detail := coalesce(nullif(p_refusal -> 'detail', 'null'), '{}');
  IF NOT fn_dot_json_is_bounded(v_detail) THEN
    v_detail := '{"cut": "not kept: nested more than 32 levels deep, or with a number beyond 1e300"}';
  ELSIF pg_column_size(v_detail) > 16384 THEN
    v_detail := '{"cut": true}';
  ELSIF jsonb_typeof(v_detail) <> 'object' OR octet_length(v_detail::text) > 4096 THEN
    -- A character needs at most four bytes, escaped or not.
    v_detail := jsonb_build_object('cut', left(v_detail::text, 1000));
  END IF;
  INSERT INTO dot_refusal (refusal_id, refusal_code, message, actor, dot_code, process_candidate_code, correlation_id,
    posture, detail, refused_at)
  VALUES (v_refusal_id, v_code,
          left(coalesce(v_said ->> 'message', ''), 2000),
          left(v_said ->> 'actor', 200),
          left(v_said ->> 'dot_code', 200),
          left(v_said ->> 'process_candidate_code', 200),
          left(v_said ->> 'correlation_id', 500),
          fn_process_dot_posture(),
          v_detail, v_now);
  RETURN v_refusal_id;
END;
$$;
