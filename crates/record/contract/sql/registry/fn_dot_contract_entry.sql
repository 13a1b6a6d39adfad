-- A contract as the registry's history stores it and as its digest covers it. The values of its variables may be
-- secrets, and more roles read the history than the contract. Each value is stored as its SHA-256, so that a change
-- stays visible. Columns that came later are left out while they have their defaults: entries and digests of earlier
-- releases then agree.
CREATE OR REPLACE FUNCTION fn_dot_contract_entry(p_contract jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
#variable_conflict use_column
DECLARE
  v_variables jsonb := p_contract #> '{invocation,variables}';
BEGIN
  p_contract := p_contract - '{created_at,contract_sha256}'::text[];
  SELECT p_contract - coalesce(array_agg(d.key), '{}') INTO p_contract
  FROM jsonb_each('{"may_repeat": false, "max_attempts": 10, "requires": []}') d WHERE p_contract -> d.key = d.value;
  IF jsonb_typeof(v_variables) = 'object' THEN
    SELECT coalesce(jsonb_object_agg(v.key, 'sha256:' || encode(sha256(convert_to(v.value, 'UTF8')), 'hex')), '{}')
    INTO v_variables
    FROM jsonb_each_text(v_variables) v;
  ELSIF v_variables IS NOT NULL THEN
    -- No engine accepts variables of another type; they are hidden nevertheless.
    v_variables := to_jsonb('sha256:' || encode(sha256(convert_to(v_variables::text, 'UTF8')), 'hex'));
  ELSE
    RETURN p_contract;
  END IF;
  RETURN jsonb_set(p_contract, '{invocation,variables}', v_variables);
END;
$$;
