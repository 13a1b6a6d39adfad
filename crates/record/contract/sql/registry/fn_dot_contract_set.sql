-- Binds a DOT, in a mode, to an endpoint and the parameters of its call. The keys of p_contract are the columns of
-- dot_agent_api_contract. p_reason: why; it stands in the history.
CREATE OR REPLACE FUNCTION fn_dot_contract_set(p_contract jsonb, p_actor text, p_reason text DEFAULT NULL)
  RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
DECLARE
  v_contract dot_agent_api_contract;
  v_unknown  text;
  v_role     text;
  v_entry    jsonb;
BEGIN
  IF fn_dot_is_blank(p_actor) THEN
    PERFORM fn_dot_refuse('actor_required', 'the actor (p_actor) is missing');
  ELSIF p_contract IS NULL OR jsonb_typeof(p_contract) <> 'object' THEN
    PERFORM fn_dot_refuse('contract_invalid', 'a contract is a JSON object');
  ELSIF NOT fn_dot_json_is_bounded(p_contract) THEN
    PERFORM fn_dot_refuse('contract_invalid', 'a contract is nested at most 32 levels deep, with numbers within ±1e300'
      ' of at most 300 decimal places');
  END IF;
  SELECT string_agg(k, ', ' ORDER BY k) INTO v_unknown FROM jsonb_object_keys(p_contract) k
  WHERE k NOT IN ('dot_code', 'mode', 'candidate_code', 'operation', 'role', 'fixture_ref', 'output_namespace',
    'no_mutation_assertion', 'endpoint_ref',
                  'invocation', 'expected_output_schema', 'verifier_schema', 'timeout_ms', 'contract_status',
                  'may_repeat', 'max_attempts', 'requires');
  IF v_unknown IS NOT NULL THEN
    PERFORM fn_dot_refuse('contract_invalid', left('a contract has no ' || v_unknown, 2000));
  END IF;
  BEGIN
    v_contract := jsonb_populate_record(NULL::dot_agent_api_contract,
      '{"operation": "", "no_mutation_assertion": false, "invocation": {}, "timeout_ms": 60000, "contract_status": '
        '"active",
        "may_repeat": false, "max_attempts": 10, "requires": []}'::jsonb
      -- A null is as good as an omitted key where there is a default that says nothing.
      || (SELECT coalesce(jsonb_object_agg(k.key, k.value), '{}') FROM jsonb_each(p_contract) k
          WHERE NOT (k.value = 'null'
            AND k.key IN ('operation', 'no_mutation_assertion', 'may_repeat', 'max_attempts', 'requires'))));
  EXCEPTION WHEN invalid_text_representation OR numeric_value_out_of_range THEN
    PERFORM fn_dot_refuse('contract_invalid', 'a field of the contract has the wrong type: ' || left(SQLERRM, 500));
  END;

  PERFORM fn_dot_check_text_length(200, jsonb_build_object('actor', p_actor,
      'candidate_code', v_contract.candidate_code));
  PERFORM fn_dot_check_text_length(2000, jsonb_build_object('reason', p_reason, 'operation', v_contract.operation,
    'output_namespace', v_contract.output_namespace, 'endpoint_ref', v_contract.endpoint_ref));
  PERFORM fn_dot_registry_lock();
  SELECT t.pair_role INTO v_role FROM dot_tools t WHERE t.dot_code = v_contract.dot_code;
  IF NOT FOUND THEN
    PERFORM fn_dot_refuse('unknown_dot', format('there is no DOT %L', left(v_contract.dot_code, 200)));
  ELSIF v_role IS NULL THEN
    PERFORM fn_dot_refuse('pair_incomplete', format('%s has no pair', v_contract.dot_code));
  ELSIF v_contract.mode IS NULL OR v_contract.mode NOT IN ('PLAN_ONLY', 'VERIFY_ONLY', 'DRY_RUN', 'REAL_RUN') THEN
    PERFORM fn_dot_refuse('mode_invalid', format('there is no mode %L', left(v_contract.mode, 100)));
  ELSIF coalesce(v_contract.role, v_role) <> v_role THEN
    PERFORM fn_dot_refuse('role_invalid', format('%s is a %s', v_contract.dot_code, v_role));
  ELSIF v_contract.mode <> 'REAL_RUN' AND (v_contract.no_mutation_assertion IS NOT TRUE
    OR coalesce(v_contract.output_namespace, '') NOT LIKE 'DRYRUN-NS:%') THEN
    PERFORM fn_dot_refuse('namespace_forbidden',
      format('a %s contract asserts no mutation and writes to a DRYRUN-NS: namespace', v_contract.mode));
  ELSIF v_contract.mode IN ('DRY_RUN', 'REAL_RUN')
    AND coalesce(v_contract.endpoint_ref, '') !~ '^(command:|https://|mcp:)[[:space:]]*[^[:space:]]' THEN
    PERFORM fn_dot_refuse('endpoint_missing', format('a %s contract needs an endpoint_ref%s', v_contract.mode,
      CASE WHEN v_contract.endpoint_ref IS NULL THEN ''
        ELSE format(', and "%s" is none', left(v_contract.endpoint_ref, 200)) END));
  ELSIF v_contract.fixture_ref IS NOT NULL AND NOT EXISTS (SELECT FROM dot_fixture f
    WHERE f.fixture_ref = v_contract.fixture_ref) THEN
    PERFORM fn_dot_refuse('fixture_missing', format('there is no fixture %L', left(v_contract.fixture_ref, 200)));
  ELSIF jsonb_typeof(v_contract.invocation) IS DISTINCT FROM 'object' OR coalesce(v_contract.timeout_ms, 0) <= 0
        OR coalesce(v_contract.contract_status, '') NOT IN ('draft', 'active', 'retired')
        OR jsonb_typeof(v_contract.expected_output_schema) NOT IN ('object', 'boolean', 'null')
        OR jsonb_typeof(v_contract.verifier_schema) NOT IN ('object', 'boolean', 'null') THEN
    PERFORM fn_dot_refuse('contract_invalid',
      'invocation is an object, timeout_ms is positive, contract_status is draft, active or retired, a schema is an '
        'object or a boolean');
  ELSIF v_contract.max_attempts NOT BETWEEN 1 AND 1000 THEN
    PERFORM fn_dot_refuse('contract_invalid', 'max_attempts is from 1 to 1000');
  ELSIF cardinality(v_contract.requires) > 20
    OR EXISTS (SELECT FROM unnest(v_contract.requires) l WHERE coalesce(l !~ '^[!-~]{1,100}$', true)) THEN
    PERFORM fn_dot_refuse('contract_invalid',
      'requires is a list of at most 20 labels, each of 1 to 100 visible ASCII characters');
  END IF;
  v_contract.role := v_role;
  v_contract.requires := ARRAY(SELECT DISTINCT l FROM unnest(v_contract.requires) l ORDER BY 1);
  v_entry := fn_dot_contract_entry(to_jsonb(v_contract));
  v_contract.contract_sha256 := fn_dot_contract_sha256(v_entry);

  INSERT INTO dot_agent_api_contract AS c (dot_code, mode, candidate_code, operation, role, fixture_ref,
    output_namespace, no_mutation_assertion, endpoint_ref, invocation, expected_output_schema, verifier_schema,
    timeout_ms, contract_status, may_repeat, max_attempts, requires, contract_sha256)
  VALUES (v_contract.dot_code, v_contract.mode, v_contract.candidate_code, v_contract.operation, v_role,
    v_contract.fixture_ref, v_contract.output_namespace, v_contract.no_mutation_assertion,
    v_contract.endpoint_ref, v_contract.invocation, v_contract.expected_output_schema, v_contract.verifier_schema,
    v_contract.timeout_ms, v_contract.contract_status, v_contract.may_repeat, v_contract.max_attempts,
    v_contract.requires, v_contract.contract_sha256)
  ON CONFLICT (dot_code, mode) DO UPDATE SET candidate_code = excluded.candidate_code, operation = excluded.operation,
    role = excluded.role, fixture_ref = excluded.fixture_ref, output_namespace = excluded.output_namespace,
    no_mutation_assertion = excluded.no_mutation_assertion, endpoint_ref = excluded.endpoint_ref,
    invocation = excluded.invocation, expected_output_schema = excluded.expected_output_schema,
    verifier_schema = excluded.verifier_schema, timeout_ms = excluded.timeout_ms,
    contract_status = excluded.contract_status, may_repeat = excluded.may_repeat,
    max_attempts = excluded.max_attempts, requires = excluded.requires, contract_sha256 = excluded.contract_sha256;
  PERFORM fn_dot_registry_record_change('contract', v_contract.dot_code || ' ' || v_contract.mode,
    v_entry || CASE WHEN fn_dot_is_blank(p_reason) THEN '{}' ELSE jsonb_build_object('reason', p_reason) END, p_actor);
  RETURN v_contract.dot_code || ' ' || v_contract.mode;
END;
$$;
