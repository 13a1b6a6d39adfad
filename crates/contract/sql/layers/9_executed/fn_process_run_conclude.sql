-- END: the one conclusion of an executed run; gives its lease back. A token that expired but was not taken over may still
-- conclude: what is known is better written down late than not at all.
--
-- What plainly is in order takes a short path first, behind the same locks; where anything is not, the long path says what.
CREATE OR REPLACE FUNCTION fn_process_run_conclude(
  p_process_run_id uuid, p_lease_token uuid, p_actor text, p_status text, p_verdict text DEFAULT NULL,
  p_output_ref text DEFAULT NULL, p_error_ref text DEFAULT NULL, p_evidence_ref jsonb DEFAULT '{}') RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
  v_texts   record;
  v_run     process_run_observation;
  v_lease   dot_iu_runtime_lease;
  v_verdict text;
  v_said    text;
  v_header  record;
  v_facts   record;
  v_now     timestamptz;
BEGIN
  IF current_setting('synchronous_commit') = 'off' THEN
    -- What is acknowledged survives a crash, whatever the server or the session thinks of waiting for the disk.
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
  -- THE SHORT PATH
  IF p_status = 'completed' AND p_verdict IS NULL AND p_actor ~ '[!-~]' AND length(p_actor) <= 200
     AND (p_output_ref IS NULL OR length(p_output_ref) <= 2000 AND p_output_ref ~ '[!-~]') AND p_error_ref IS NULL
     AND jsonb_typeof(p_evidence_ref) = 'object' AND octet_length(p_evidence_ref::text) <= 65536
     AND current_setting('transaction_isolation') = 'read committed' THEN
    SELECT r.lease_name, r.actor, r.correlation_id, r.dot_code, r.evidence_type, r.source_system, r.input_ref INTO v_header
    FROM process_run_observation r WHERE r.process_run_id = p_process_run_id AND r.lease_token = p_lease_token FOR UPDATE;
    IF FOUND AND pg_try_advisory_xact_lock(hashtextextended(current_schema() || ' lease ' || v_header.lease_name, 0)) THEN
      SELECT verifier.verdict, gates.posture, EXISTS (SELECT FROM event_type_registry e WHERE e.active) AS is_any_event_active INTO v_facts
      FROM dot_iu_runtime_lease l CROSS JOIN v_dot_posture gates
      LEFT JOIN process_component_observation verifier ON verifier.process_run_id = p_process_run_id AND verifier.component_role = 'verifier'
      WHERE l.lease_name = v_header.lease_name AND l.lease_token = p_lease_token
        AND NOT EXISTS (SELECT FROM process_run_conclusion c WHERE c.process_run_id = p_process_run_id)
        -- No call is open, and the producer did its work.
        AND NOT EXISTS (SELECT FROM dot_invocation i
          LEFT JOIN process_component_observation c ON c.process_run_id = i.process_run_id AND c.invocation_id = i.invocation_id
          WHERE i.process_run_id = p_process_run_id AND c.invocation_id IS NULL)
        AND NOT EXISTS (SELECT FROM process_component_observation c WHERE c.process_run_id = p_process_run_id AND c.component_role = 'producer'
          AND c.status IN ('failed', 'cancelled', 'stuck', 'orphan'));
      IF FOUND THEN
        v_now := clock_timestamp();
        -- As fn_dot_conclusion_write.
        INSERT INTO process_run_conclusion (process_run_id, status, verdict, output_ref, evidence_ref, concluded_by, concluded_at)
        VALUES (p_process_run_id, p_status, v_facts.verdict, p_output_ref,
          (p_evidence_ref - 'no_execute') || jsonb_build_object('wrapper', 'dot_exec_wrapper', 'actor', v_header.actor, 'posture', v_facts.posture),
          p_actor, v_now);
        IF v_facts.is_any_event_active THEN
          PERFORM fn_dot_event_emit(fn_dot_event_type_of(p_status, false), p_process_run_id, NULL, v_header.correlation_id, v_header.dot_code, p_status,
            v_header.evidence_type, v_header.source_system, v_header.input_ref, p_output_ref);
        END IF;
        UPDATE dot_iu_runtime_lease l SET released_at = coalesce(l.released_at, v_now), process_run_id = NULL
        WHERE l.lease_name = v_header.lease_name AND l.process_run_id = p_process_run_id;
        RETURN p_process_run_id;
      END IF;
    END IF;
  END IF;

  -- THE LONG PATH
  v_verdict := fn_dot_text_or_null(p_verdict);
  v_texts := fn_dot_check_texts(p_actor, 'of the header', 'of the header', p_evidence_ref, NULL, NULL, p_output_ref, p_error_ref);
  IF p_status IS NULL OR p_status NOT IN ('completed', 'failed', 'stuck', 'cancelled') THEN
    PERFORM fn_dot_refuse('status_invalid', format('a run is concluded as completed, failed, stuck or cancelled, not as %L', left(p_status, 100)));
  ELSIF v_verdict NOT IN ('pass', 'fail', 'error') THEN
    PERFORM fn_dot_refuse('verdict_invalid', format('there is no verdict %L', left(v_verdict, 100)));
  END IF;

  -- Header, then lease: the order of everybody who locks both and waits.
  v_run := fn_dot_run_begun(p_process_run_id);
  v_lease := fn_dot_lease_locked(v_run.lease_name);
  IF p_lease_token IS DISTINCT FROM v_run.lease_token OR v_lease.lease_token IS DISTINCT FROM p_lease_token THEN
    PERFORM fn_dot_refuse('lease_lost', format('the lease %s is not held by this token', v_run.lease_name),
      jsonb_build_object('process_run_id', p_process_run_id, 'lease_name', v_run.lease_name));
  END IF;

  SELECT c.verdict INTO v_said FROM process_component_observation c WHERE c.process_run_id = p_process_run_id AND c.component_role = 'verifier';
  IF v_verdict IS DISTINCT FROM v_said AND v_verdict IS NOT NULL THEN
    PERFORM fn_dot_refuse('verdict_invalid', format('the verifier said %s, not %s', coalesce(v_said, 'nothing'), v_verdict),
      jsonb_build_object('process_run_id', p_process_run_id));
  ELSIF p_status = 'completed' AND fn_dot_run_has_open_receipt(p_process_run_id) THEN
    PERFORM fn_dot_refuse('status_invalid', 'a call of this run is still open: it is not completed', jsonb_build_object('process_run_id', p_process_run_id));
  ELSIF p_status = 'completed' AND EXISTS (
      SELECT FROM process_component_observation c WHERE c.process_run_id = p_process_run_id AND c.component_role = 'producer'
        AND c.status IN ('failed', 'cancelled', 'stuck', 'orphan')) THEN
    PERFORM fn_dot_refuse('status_invalid', 'the producer of this run did not do its work: it is not completed', jsonb_build_object('process_run_id', p_process_run_id));
  END IF;

  PERFORM fn_dot_conclusion_write(v_run, p_actor, p_status, v_said, v_texts.p_output_ref, v_texts.p_error_ref, p_evidence_ref);
  RETURN p_process_run_id;
END;
$$;
