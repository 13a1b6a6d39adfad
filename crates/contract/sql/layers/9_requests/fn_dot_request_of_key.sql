-- The request that a request's idempotency key was used for, or null; refused where that one is about something else.
CREATE OR REPLACE FUNCTION fn_dot_request_of_key(p_asked dot_run_request) RETURNS uuid
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
  v_first dot_run_request;
  v_same  text[] := '{dot_code,process_candidate_code,mode,correlation_id,input_ref,input_digest}';
  v_differs jsonb;
BEGIN
  SELECT * INTO v_first FROM dot_run_request r WHERE r.idempotency_key = p_asked.idempotency_key;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  SELECT jsonb_agg(name ORDER BY name) INTO v_differs FROM unnest(v_same) AS name
  WHERE to_jsonb(v_first) -> name IS DISTINCT FROM to_jsonb(p_asked) -> name;
  IF v_differs IS NOT NULL THEN
    PERFORM fn_dot_refuse('idempotency_conflict', 'the idempotency key was used for another request',
      jsonb_build_object('request_id', v_first.request_id, 'differs', v_differs));
  END IF;
  RETURN v_first.request_id;
END;
$$;
