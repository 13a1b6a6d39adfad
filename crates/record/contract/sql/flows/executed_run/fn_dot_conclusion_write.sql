-- Writes the conclusion, counts the run and releases the lease. The caller holds the locks of the header and the lease.
-- The evidence says who stopped the run, and why, where somebody did; no caller can claim that.
CREATE OR REPLACE FUNCTION fn_dot_conclusion_write(
  p_process_run_id uuid, p_actor text, p_status text, p_verdict text, p_output_ref text, p_error_ref text,
  p_evidence_ref jsonb) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_now timestamptz := clock_timestamp();
  v_run process_run_observation;
BEGIN
  SELECT * INTO v_run FROM process_run_observation r WHERE r.process_run_id = p_process_run_id;
  INSERT INTO process_run_conclusion (process_run_id, status, verdict, output_ref, error_ref, evidence_ref,
    concluded_by, concluded_at)
  SELECT p_process_run_id, p_status, p_verdict, p_output_ref, p_error_ref,
    fn_dot_evidence_tags(p_evidence_ref - '{stopped_by,stop_reason}'::text[], v_run.actor, gates.posture, true)
      || coalesce((SELECT jsonb_build_object('stopped_by', s.actor, 'stop_reason', s.reason)
                   FROM dot_run_stop s WHERE s.process_run_id = p_process_run_id), '{}'), p_actor, v_now
  FROM v_dot_posture gates
  ON CONFLICT (process_run_id) DO NOTHING;
  IF NOT FOUND THEN
    PERFORM fn_dot_refuse('run_concluded', format('the run %s is concluded', p_process_run_id),
      jsonb_build_object('process_run_id', p_process_run_id));
  END IF;
  PERFORM fn_dot_rollup_run(p_process_run_id, v_run.process_candidate_code, v_run.dot_code, v_run.lease_name);
  PERFORM fn_dot_event_emit(fn_dot_event_type_for(p_status, false), p_process_run_id, NULL, v_run.correlation_id,
    v_run.dot_code, p_status, v_run.evidence_type, v_run.source_system, v_run.input_ref, p_output_ref);
  IF fn_dot_lease_is_narrow(v_run.lease_name) THEN
    DELETE FROM dot_iu_runtime_lease l
    WHERE l.lease_name = v_run.lease_name AND l.process_run_id = p_process_run_id;
  ELSE
    UPDATE dot_iu_runtime_lease l
    SET released_at = coalesce(l.released_at, v_now), process_run_id = NULL, holder_process = NULL
    WHERE l.lease_name = v_run.lease_name AND l.process_run_id = p_process_run_id;
  END IF;
END;
$$;
