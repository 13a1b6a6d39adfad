-- Whether the next attempt may follow a concluded run: refusal_code is null, or says why not. A key protects against
-- doing a thing twice. It does not forbid to do it once after it failed. So another attempt may follow where the last
-- one did nothing (it was never called, or was a dry run), where the producer failed and that is its whole outcome,
-- where somebody found out that it did not happen (fn_dot_run_resolve), or where the contract says may_repeat. A run
-- whose verdict is pass needs no other attempt: the caller returns it.
CREATE OR REPLACE FUNCTION fn_dot_retry_check(p_process_run_id uuid, OUT refusal_code text, OUT reason text)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_run          record;
  v_producer     record;
  v_may_repeat   boolean;
  v_max_attempts integer;
  v_happened     text;
  v_is_known     boolean;
BEGIN
  SELECT r.dot_code, r.evidence_type AS mode, r.attempt, x.status, x.evidence_ref INTO v_run
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
    refusal_code := 'attempts_exhausted';
    reason := format('%s attempts were made, and the contract allows %s', v_run.attempt, coalesce(v_max_attempts, 10));
    RETURN;
  END IF;
  SELECT s.happened INTO v_happened FROM dot_run_resolution s WHERE s.process_run_id = p_process_run_id
  ORDER BY s.resolved_at DESC, s.resolution_id DESC LIMIT 1;
  SELECT c.status, c.evidence_ref INTO v_producer FROM process_component_observation c
  WHERE c.process_run_id = p_process_run_id AND c.component_role = 'producer';
  v_is_known := CASE
    -- The runner that began it called nothing, or no receipt was opened.
    WHEN v_producer.status IS NULL
      THEN v_run.status = 'orphan' OR v_run.evidence_ref ->> 'producer' IS NOT DISTINCT FROM 'not called'
    ELSE v_producer.status IN ('failed', 'cancelled')
      AND v_producer.evidence_ref ->> 'outcome' IS DISTINCT FROM 'unknown'
      AND v_run.evidence_ref ->> 'outcome' IS DISTINCT FROM 'unknown' END;
  IF v_happened = 'no' OR v_may_repeat AND v_happened IS DISTINCT FROM 'yes' OR v_run.mode = 'DRY_RUN'
     OR v_happened IS NULL AND v_is_known THEN
    RETURN;
  END IF;
  refusal_code := 'outcome_unknown';
  reason := CASE
    WHEN v_happened IS NOT NULL THEN format('somebody found out that the run %s happened: %s', p_process_run_id,
      v_happened)
    WHEN v_producer.status = 'step_completed'
      THEN format('the producer of the run %s did its work', p_process_run_id)
    ELSE format('nobody knows what the run %s did', p_process_run_id) END;
END;
$$;
