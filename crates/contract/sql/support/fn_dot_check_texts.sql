-- Checks what every recording call has in common, in one go, and returns the optional texts with blank ones as null.
-- One function rather than one a text: this is paid by every run.
CREATE OR REPLACE FUNCTION fn_dot_check_texts(
  p_actor text, p_correlation_id text, p_process_candidate_code text, p_evidence_ref jsonb,
  INOUT p_idempotency_key text, INOUT p_input_ref text, INOUT p_output_ref text, INOUT p_error_ref text)
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  -- As fn_dot_whitespace(), which a test compares: calling it would cost this hot path a tenth of its time.
  c_blank CONSTANT text := U&'\0009\000A\000B\000C\000D\0020\0085\00A0\1680\2000\2001\2002\2003\2004\2005\2006\2007\2008\2009\200A\2028\2029\202F\205F\3000';
BEGIN
  IF coalesce(btrim(p_actor, c_blank), '') = '' THEN
    PERFORM fn_dot_refuse('actor_required', 'who does this is missing');
  ELSIF coalesce(btrim(p_correlation_id, c_blank), '') = '' THEN
    PERFORM fn_dot_refuse('correlation_required', 'the correlation id is missing');
  ELSIF coalesce(btrim(p_process_candidate_code, c_blank), '') = '' THEN
    PERFORM fn_dot_refuse('candidate_required', 'the process candidate is missing');
  END IF;
  IF btrim(p_idempotency_key, c_blank) = '' THEN p_idempotency_key := NULL; END IF;
  IF btrim(p_input_ref, c_blank) = '' THEN p_input_ref := NULL; END IF;
  IF btrim(p_output_ref, c_blank) = '' THEN p_output_ref := NULL; END IF;
  IF btrim(p_error_ref, c_blank) = '' THEN p_error_ref := NULL; END IF;
  IF length(p_actor) > 200 OR length(p_process_candidate_code) > 200
     OR length(p_correlation_id) > 500 OR length(p_idempotency_key) > 500
     OR length(p_input_ref) > 2000 OR length(p_output_ref) > 2000 OR length(p_error_ref) > 2000 THEN
    PERFORM fn_dot_refuse_long_text(200, jsonb_build_object('actor', p_actor, 'process_candidate_code', p_process_candidate_code));
    PERFORM fn_dot_refuse_long_text(500, jsonb_build_object('correlation_id', p_correlation_id, 'idempotency_key', p_idempotency_key));
    PERFORM fn_dot_refuse_long_text(2000, jsonb_build_object('input_ref', p_input_ref, 'output_ref', p_output_ref, 'error_ref', p_error_ref));
  END IF;
  IF p_evidence_ref IS NOT NULL
     AND (jsonb_typeof(p_evidence_ref) <> 'object' OR octet_length(p_evidence_ref::text) > 65536) THEN
    PERFORM fn_dot_refuse('evidence_ref_invalid', 'evidence_ref is not a JSON object of at most 64 KiB',
      jsonb_build_object('type', jsonb_typeof(p_evidence_ref), 'bytes', octet_length(p_evidence_ref::text)));
  END IF;
END;
$$;
