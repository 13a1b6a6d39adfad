-- Checks the texts that all recording calls share, and returns the optional texts with blank ones as null. One function
-- for all texts, because every run calls it.
CREATE OR REPLACE FUNCTION fn_dot_check_texts(
  p_actor text, p_correlation_id text, p_process_candidate_code text, p_evidence_ref jsonb,
  INOUT p_idempotency_key text, INOUT p_input_ref text, INOUT p_output_ref text, INOUT p_error_ref text)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  -- As in fn_dot_check_text_length.
  c_plain CONSTANT text := '^[!-~]([ -~]*[!-~])?$';
  -- As fn_dot_whitespace(); a test compares them. Calling it would cost this hot path a tenth of its time.
  c_blank CONSTANT text
    := E'\u0009\u000A\u000B\u000C\u000D\u0020\u0085\u00A0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008'
      '\u2009\u200A\u2028\u2029\u202F\u205F\u3000';
BEGIN
  IF coalesce(btrim(p_actor, c_blank), '') = '' THEN
    PERFORM fn_dot_refuse('actor_required', 'the actor (p_actor) is missing');
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
    PERFORM fn_dot_check_text_length(200, jsonb_build_object('actor', p_actor,
        'process_candidate_code', p_process_candidate_code));
    PERFORM fn_dot_check_text_length(500, jsonb_build_object('correlation_id', p_correlation_id,
        'idempotency_key', p_idempotency_key));
    PERFORM fn_dot_check_text_length(2000, jsonb_build_object('input_ref', p_input_ref, 'output_ref', p_output_ref,
        'error_ref', p_error_ref));
  END IF;
  -- Printable ASCII has no look-alike characters.
  IF NOT (p_actor ~ c_plain COLLATE "C" AND p_correlation_id ~ c_plain COLLATE "C"
          AND p_process_candidate_code ~ c_plain COLLATE "C" AND coalesce(p_idempotency_key, '-') ~ c_plain COLLATE "C")
            THEN
    PERFORM fn_dot_check_text_length(500, jsonb_build_object('actor', p_actor, 'correlation_id', p_correlation_id,
      'process_candidate_code', p_process_candidate_code, 'idempotency_key', p_idempotency_key));
  END IF;
  IF p_evidence_ref <> '{}' AND NOT fn_dot_evidence_is_valid(p_evidence_ref) THEN
    PERFORM fn_dot_refuse('evidence_ref_invalid', 'evidence_ref is not a JSON object of at most 64 KiB, 32 levels deep,'
      ' with numbers within ±1e300 of at most 300 decimal places',
      jsonb_build_object('type', jsonb_typeof(p_evidence_ref)));
  END IF;
END;
$$;
