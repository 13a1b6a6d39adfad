-- Whether the next attempt may follow a concluded run: refusal_code is null, or says why not. A key protects against
-- doing a thing twice. It does not forbid to do it once after it failed. So another attempt may follow where the last
-- one did nothing (it was never called, or was a dry run), where the producer itself said that it failed, where
-- somebody found out that it did not happen (fn_dot_run_resolve), or where the contract says may_repeat. A producer
-- that ended well and whose output the runner refused may have done its work. None may follow where somebody found out
-- of any attempt that it happened. Runs that a runner stopped because it was itself stopped are not counted as
-- attempts. A run whose verdict is pass needs no other attempt: the caller returns it.
CREATE OR REPLACE FUNCTION fn_dot_retry_check(p_process_run_id uuid, OUT refusal_code text, OUT reason text)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_run          record;
  v_producer     record;
  v_may_repeat   boolean;
  v_max_attempts integer;
  v_made         integer;
  v_happened     text;
  v_elsewhere    text;
  v_is_known     boolean;
BEGIN
  SELECT r.dot_code, r.evidence_type AS mode, r.attempt, r.idempotency_key, x.status, x.evidence_ref INTO v_run
  FROM process_run_observation r JOIN process_run_conclusion x ON x.process_run_id = r.process_run_id
  WHERE r.process_run_id = p_process_run_id;
  IF NOT FOUND THEN
    refusal_code := 'still_running';
    reason := format('the run %s is not concluded', p_process_run_id);
    RETURN;
  END IF;
  SELECT c.may_repeat, c.max_attempts INTO v_may_repeat, v_max_attempts FROM dot_agent_api_contract c
  WHERE c.dot_code = v_run.dot_code AND c.mode = v_run.mode AND c.contract_status = 'active';
  IF v_run.attempt >= coalesce(v_max_attempts, 10) THEN
    SELECT count(*) INTO v_made FROM process_run_observation r
    WHERE (r.process_run_id = p_process_run_id OR r.idempotency_key = v_run.idempotency_key)
      AND NOT fn_dot_run_was_interrupted(r.process_run_id);
    IF v_made >= coalesce(v_max_attempts, 10) THEN
      refusal_code := 'attempts_exhausted';
      reason := format('%s attempts were made, and the contract allows %s', v_made, coalesce(v_max_attempts, 10));
      RETURN;
    END IF;
  END IF;
  -- What is known of this attempt, and the worst that is known of the earlier ones.
  SELECT max(s.happened) FILTER (WHERE s.is_this),
    CASE WHEN bool_or(s.happened = 'yes') THEN 'yes' WHEN bool_or(s.happened = 'partly') THEN 'partly' END
  INTO v_happened, v_elsewhere
  FROM (
    SELECT DISTINCT ON (r.process_run_id) r.process_run_id = p_process_run_id AS is_this, o.happened
    FROM process_run_observation r JOIN dot_run_resolution o ON o.process_run_id = r.process_run_id
    WHERE r.process_run_id = p_process_run_id OR r.idempotency_key = v_run.idempotency_key
    ORDER BY r.process_run_id, o.resolved_at DESC, o.resolution_id DESC) s;
  SELECT c.status, c.evidence_ref INTO v_producer FROM process_component_observation c
  WHERE c.process_run_id = p_process_run_id AND c.component_role = 'producer';
  v_is_known := CASE
    -- The runner that began it called nothing, or no receipt was opened.
    WHEN v_producer.status IS NULL
      THEN v_run.status = 'orphan' OR v_run.evidence_ref ->> 'producer' IS NOT DISTINCT FROM 'not called'
    ELSE v_producer.status IN ('failed', 'cancelled')
      AND v_producer.evidence_ref ->> 'outcome' IS DISTINCT FROM 'unknown'
      AND v_run.evidence_ref ->> 'outcome' IS DISTINCT FROM 'unknown'
      -- The runner says why it calls a producer failed. Only these reasons are the producer's own.
      AND (v_producer.evidence_ref #> '{failure,code}' IS NULL OR v_producer.evidence_ref -> 'called' = 'false'
        OR coalesce(v_producer.evidence_ref ->> 'exit_status', '0') <> '0'
        OR v_producer.evidence_ref #>> '{failure,code}' IN
          ('http_status', 'redirect_refused', 'call_refused', 'tool_error')) END;
  IF v_elsewhere IS DISTINCT FROM 'yes' AND (v_may_repeat OR v_happened = 'no' AND v_elsewhere IS NULL
       OR v_run.mode = 'DRY_RUN' OR v_happened IS NULL AND v_elsewhere IS NULL AND v_is_known) THEN
    RETURN;
  END IF;
  refusal_code := 'outcome_unknown';
  reason := CASE
    WHEN v_elsewhere IS NOT NULL THEN format('somebody found out that the run %s, or an earlier attempt, happened: %s',
      p_process_run_id, v_elsewhere)
    WHEN v_producer.status = 'step_completed'
      THEN format('the producer of the run %s did its work', p_process_run_id)
    WHEN v_producer.status = 'failed' AND v_producer.evidence_ref ->> 'exit_status' = '0'
      THEN format('the producer of the run %s ended well, and its output was refused', p_process_run_id)
    ELSE format('nobody knows what the run %s did', p_process_run_id) END;
END;
$$;
