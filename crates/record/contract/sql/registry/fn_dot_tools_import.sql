-- Imports DOTs, all or nothing, and returns the action for each. With p_dry_run it only returns the actions, refusals
-- included. Otherwise any refusal raises and nothing is written. DOTs that are not named stay unchanged.
--
-- A producer's extra_metadata.process_candidate_code declares that its real runs count for that candidate. Pairs that
-- were declared before stay: an import that names another candidate adds a pair.
CREATE OR REPLACE FUNCTION fn_dot_tools_import(p_tools jsonb, p_actor text, p_dry_run boolean DEFAULT false)
RETURNS TABLE (dot_code text, action text, detail text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
DECLARE
  v_entry    record;
  v_row      dot_tools;
  v_refusals text;
  v_locked   text;
BEGIN
  IF fn_dot_is_blank(p_actor) THEN
    PERFORM fn_dot_refuse('actor_required', 'the actor (p_actor) is missing');
  ELSIF p_tools IS NULL OR jsonb_typeof(p_tools) <> 'array'
        OR EXISTS (SELECT FROM jsonb_array_elements(p_tools) e WHERE jsonb_typeof(e) <> 'object') THEN
    PERFORM fn_dot_refuse('tool_invalid', 'an import is a JSON array of objects');
  END IF;
  PERFORM fn_dot_check_text_length(200, jsonb_build_object('actor', p_actor));
  -- Two concurrent imports would each check the registry without the other.
  IF NOT coalesce(p_dry_run, false) THEN
    PERFORM fn_dot_registry_lock();
    -- After the leases of the changed pairs are locked, the plan sees runs that were being begun.
    v_locked := fn_dot_pair_lock(ARRAY(
      SELECT t.dot_code FROM jsonb_array_elements(p_tools) e JOIN dot_tools t ON t.dot_code = e ->> 'dot_code'
      WHERE (t.paired_dot, t.pair_role, t.lease_scope) IS DISTINCT FROM (nullif(e ->> 'paired_dot', ''),
        nullif(e ->> 'pair_role', ''), coalesce(nullif(e ->> 'lease_scope', ''), 'pair'))));
    IF v_locked IS NOT NULL THEN
      PERFORM fn_dot_lease_refuse_locked(v_locked, 'busy');
    END IF;
    SELECT string_agg(format('%s: %s', p.dot_code, p.detail), '; ') INTO v_refusals FROM fn_dot_tools_plan(p_tools) p
      WHERE p.action = 'refuse';
    IF v_refusals IS NOT NULL THEN
      PERFORM fn_dot_refuse('tool_invalid', left('the import is refused: ' || v_refusals, 2000));
    END IF;
  END IF;
  BEGIN
    FOR v_entry IN SELECT p.* FROM fn_dot_tools_plan(p_tools) p LOOP
      dot_code := v_entry.dot_code; action := v_entry.action; detail := v_entry.detail;
      RETURN NEXT;
      CONTINUE WHEN coalesce(p_dry_run, false) OR v_entry.action = 'keep';
      PERFORM fn_dot_candidate_pair_write(fn_dot_candidate_of_tool(v_entry.tool), v_entry.dot_code, true, p_actor,
        'tools import')
      WHERE fn_dot_candidate_of_tool(v_entry.tool) IS NOT NULL;
      CONTINUE WHEN v_entry.detail = 'candidate_pair';
      v_row := jsonb_populate_record(NULL::dot_tools, fn_dot_tool_row(v_entry.tool));
      INSERT INTO dot_tools AS t (dot_code, name, tier, operation, paired_dot, pair_role, trigger_type,
        execution_engine, script_path, status, extra_metadata, lease_scope)
      VALUES (v_row.dot_code, v_row.name, v_row.tier, v_row.operation, v_row.paired_dot, v_row.pair_role,
        v_row.trigger_type,
              v_row.execution_engine, v_row.script_path, v_row.status, v_row.extra_metadata, v_row.lease_scope)
      ON CONFLICT ON CONSTRAINT dot_tools_pkey DO UPDATE SET name = excluded.name, tier = excluded.tier,
        operation = excluded.operation, paired_dot = excluded.paired_dot, pair_role = excluded.pair_role,
        trigger_type = excluded.trigger_type, execution_engine = excluded.execution_engine,
        script_path = excluded.script_path, status = excluded.status, extra_metadata = excluded.extra_metadata,
        lease_scope = excluded.lease_scope;
      -- The names of the leases that waiting requests will need.
      UPDATE dot_run_request r
      SET lease_name = fn_dot_lease_name(r.dot_code, r.process_candidate_code, r.input_ref)
      WHERE r.dot_code = v_row.dot_code AND r.state IN ('waiting', 'claimed')
        AND r.lease_name <> fn_dot_lease_name(r.dot_code, r.process_candidate_code, r.input_ref);
      PERFORM fn_dot_registry_record_change('tool', v_row.dot_code, fn_dot_tool_row(v_entry.tool), p_actor);
    END LOOP;
  EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    PERFORM fn_dot_refuse('busy', 'another transaction is claiming a request of one of these DOTs');
  END;
END;
$$;
