-- The request that a request's idempotency key was used for, or null; refused where that one is about something else or
-- another login's.
CREATE OR REPLACE FUNCTION fn_dot_request_of_key(p_asked dot_run_request) RETURNS uuid
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
  v_first dot_run_request;
  v_same  text[] := '{dot_code,process_candidate_code,mode,correlation_id,input_ref,input_digest}';
  v_differs text[];
BEGIN
  SELECT * INTO v_first FROM dot_run_request r WHERE r.idempotency_key = p_asked.idempotency_key;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  SELECT coalesce(array_agg(name ORDER BY name), '{}') INTO v_differs FROM unnest(v_same) AS name
  WHERE to_jsonb(v_first) -> name IS DISTINCT FROM to_jsonb(p_asked) -> name;
  PERFORM fn_dot_check_key_use(p_asked.idempotency_key, 'request', v_first.recorded_by, v_differs,
    jsonb_build_object('request_id', v_first.request_id));
  RETURN v_first.request_id;
END;
$$;
