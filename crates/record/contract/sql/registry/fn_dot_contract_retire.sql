-- Retires a DOT's contract in a mode: no call uses it any more. Returns false where it was retired already.
CREATE OR REPLACE FUNCTION fn_dot_contract_retire(
  p_dot_code text, p_mode text, p_actor text, p_reason text DEFAULT NULL) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
DECLARE
  v_entry jsonb;
BEGIN
  IF fn_dot_is_blank(p_actor) THEN
    PERFORM fn_dot_refuse('actor_required', 'the actor (p_actor) is missing');
  END IF;
  PERFORM fn_dot_check_text_length(200, jsonb_build_object('actor', p_actor, 'dot_code', p_dot_code));
  PERFORM fn_dot_check_text_length(2000, jsonb_build_object('reason', p_reason));
  PERFORM fn_dot_registry_lock();
  IF NOT EXISTS (SELECT FROM dot_tools t WHERE t.dot_code = p_dot_code) THEN
    PERFORM fn_dot_refuse('unknown_dot', format('there is no DOT %L', left(p_dot_code, 200)),
      jsonb_build_object('dot_code', left(p_dot_code, 200)));
  ELSIF p_mode IS NULL OR p_mode NOT IN ('PLAN_ONLY', 'VERIFY_ONLY', 'DRY_RUN', 'REAL_RUN') THEN
    PERFORM fn_dot_refuse('mode_invalid', format('there is no mode %L', left(p_mode, 100)));
  ELSIF NOT EXISTS (SELECT FROM dot_agent_api_contract c WHERE c.dot_code = p_dot_code AND c.mode = p_mode) THEN
    PERFORM fn_dot_refuse('contract_missing', format('%s has no contract in mode %s', p_dot_code, p_mode),
      jsonb_build_object('dot_code', p_dot_code, 'mode', p_mode));
  END IF;
  -- As fn_dot_tool_retire.
  PERFORM fn_dot_pair_lock(ARRAY[p_dot_code]);
  BEGIN
    UPDATE dot_agent_api_contract AS c SET contract_status = 'retired', contract_sha256 = fn_dot_contract_sha256(
      fn_dot_contract_entry(to_jsonb(c) || '{"contract_status": "retired"}'))
    WHERE c.dot_code = p_dot_code AND c.mode = p_mode AND c.contract_status <> 'retired'
    RETURNING fn_dot_contract_entry(to_jsonb(c)) INTO v_entry;
  EXCEPTION WHEN lock_not_available THEN
    PERFORM fn_dot_refuse('busy', format('another transaction is changing the contract of %s', p_dot_code));
  END;
  IF v_entry IS NULL THEN
    RETURN false;
  END IF;
  PERFORM fn_dot_registry_record_change('contract', p_dot_code || ' ' || p_mode,
    v_entry || jsonb_build_object('reason', fn_dot_null_if_blank(p_reason)), p_actor);
  RETURN true;
END;
$$;
