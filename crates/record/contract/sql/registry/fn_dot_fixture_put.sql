-- Stores a fixture. The digest is that of the text as passed, the same as sha256sum prints for the file.
CREATE OR REPLACE FUNCTION fn_dot_fixture_put(p_fixture_ref text, p_body text, p_sha256 text, p_actor text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
DECLARE
  v_sha256 text := encode(sha256(convert_to(coalesce(p_body, ''), 'UTF8')), 'hex');
  v_body   jsonb;
BEGIN
  IF fn_dot_is_blank(p_actor) THEN
    PERFORM fn_dot_refuse('actor_required', 'the actor (p_actor) is missing');
  ELSIF fn_dot_is_blank(p_fixture_ref) OR fn_dot_is_blank(p_body) THEN
    PERFORM fn_dot_refuse('fixture_missing', 'a fixture has a reference and a body');
  ELSIF v_sha256 IS DISTINCT FROM p_sha256 THEN
    PERFORM fn_dot_refuse('fixture_digest_mismatch', 'the body''s SHA-256 is not the one that was given',
      jsonb_build_object('computed', v_sha256));
  END IF;
  PERFORM fn_dot_check_text_length(200, jsonb_build_object('actor', p_actor, 'fixture_ref', p_fixture_ref));
  BEGIN
    v_body := p_body::jsonb;
  EXCEPTION WHEN invalid_text_representation OR untranslatable_character OR statement_too_complex 
                 OR program_limit_exceeded OR numeric_value_out_of_range THEN
    PERFORM fn_dot_refuse('contract_invalid', 'the fixture''s body is not JSON that the database can keep');
  END;
  IF NOT fn_dot_json_is_bounded(v_body) THEN
    PERFORM fn_dot_refuse('contract_invalid',
      'the fixture''s body is nested at most 32 levels deep, with numbers within ±1e300'
      ' of at most 300 decimal places');
  END IF;
  PERFORM fn_dot_registry_lock();
  INSERT INTO dot_fixture AS f (fixture_ref, sha256, body) VALUES (p_fixture_ref, v_sha256, v_body)
  ON CONFLICT (fixture_ref) DO UPDATE SET sha256 = excluded.sha256, body = excluded.body;
  -- The body is stored as jsonb, which differs from the text as passed. Its own digest shows whether it changed.
  PERFORM fn_dot_registry_record_change('fixture', p_fixture_ref, jsonb_build_object('sha256', v_sha256,
    'body_sha256', encode(sha256(convert_to(v_body::text, 'UTF8')), 'hex')), p_actor);
  RETURN p_fixture_ref;
END;
$$;
