-- Keeps a refusal for counting and showing. Clients call it after the refused transaction was rolled back, in one of its
-- own: it is no observation. Over-long texts are cut, not refused: a record of a refusal must not be refused for the
-- very thing it reports.
CREATE OR REPLACE FUNCTION fn_dot_refusal_record(p_refusal jsonb) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
  v_refusal_id uuid := fn_dot_uuid_v7();
  v_posture    text := fn_process_dot_posture();
  v_detail     jsonb;
BEGIN
  IF p_refusal IS NULL OR jsonb_typeof(p_refusal) <> 'object' THEN
    PERFORM fn_dot_refuse('evidence_ref_invalid', 'a refusal is a JSON object with at least refusal_code and message');
  END IF;
  v_detail := coalesce(nullif(p_refusal -> 'detail', 'null'), '{}');
  IF NOT fn_dot_json_is_bounded(v_detail) THEN
    v_detail := '{"cut": "not kept: nested more than 32 levels deep, or with a number beyond 1e300"}';
  ELSIF jsonb_typeof(v_detail) <> 'object' OR octet_length(v_detail::text) > 65536 THEN
    v_detail := jsonb_build_object('cut', left(v_detail::text, 2000));
  END IF;
  INSERT INTO dot_refusal (refusal_id, refusal_code, message, actor, dot_code, process_candidate_code, correlation_id,
                           posture, detail)
  VALUES (v_refusal_id,
          left(coalesce(fn_dot_text_or_null(p_refusal ->> 'refusal_code'), 'unknown'), 200),
          left(coalesce(p_refusal ->> 'message', ''), 2000),
          left(p_refusal ->> 'actor', 200),
          left(p_refusal ->> 'dot_code', 200),
          left(p_refusal ->> 'process_candidate_code', 200),
          left(p_refusal ->> 'correlation_id', 500),
          left(coalesce(fn_dot_text_or_null(p_refusal ->> 'posture'), v_posture), 200),
          v_detail);
  RETURN v_refusal_id;
END;
$$;
