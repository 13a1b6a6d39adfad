-- Returns the registry's row for a candidate, fixture or contract of a catalogue, or null.
CREATE OR REPLACE FUNCTION fn_dot_catalogue_row(p_kind text, p_entry jsonb) RETURNS jsonb
LANGUAGE sql STABLE AS $$
  SELECT to_jsonb(c) FROM process_candidate c
  WHERE p_kind = 'candidate' AND c.process_candidate_code = p_entry ->> 'code'
  UNION ALL
  SELECT to_jsonb(f) FROM dot_fixture f
  WHERE p_kind = 'fixture' AND f.fixture_ref = p_entry ->> 'fixture_ref'
  UNION ALL
  SELECT to_jsonb(c) - 'contract_sha256' FROM dot_agent_api_contract c
  WHERE p_kind = 'contract' AND c.dot_code = p_entry ->> 'dot_code' AND c.mode = p_entry ->> 'mode';
$$;
