-- Registers or changes a preflight check. Deletes its cached result.
CREATE OR REPLACE FUNCTION fn_dot_preflight_check_set(
  p_check_name text, p_count_query text, p_actor text, p_severity text DEFAULT 'high',
  p_on_finding text DEFAULT 'BLOCK', p_max_age interval DEFAULT '0', p_enabled boolean DEFAULT true,
  p_description text DEFAULT '') RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
DECLARE
  v_check regprocedure;
BEGIN
  BEGIN
    v_check := to_regprocedure(p_count_query || '()');
  EXCEPTION WHEN syntax_error OR invalid_name OR undefined_object OR data_exception OR feature_not_supported THEN
    v_check := NULL;  -- not even a name
  END;
  IF fn_dot_is_blank(p_actor) THEN
    PERFORM fn_dot_refuse('actor_required', 'the actor (p_actor) is missing');
  ELSIF fn_dot_is_blank(p_check_name) THEN
    PERFORM fn_dot_refuse('check_invalid', 'the check''s name is missing');
  ELSIF v_check IS NULL OR position('.' IN p_count_query) = 0 THEN
    PERFORM fn_dot_refuse('check_invalid', format('there is no function %L without arguments, named with its schema',
        left(p_count_query, 200)));
  ELSIF (SELECT p.pronamespace = pg_my_temp_schema() OR pg_is_other_temp_schema(p.pronamespace) FROM pg_proc p
    WHERE p.oid = v_check) THEN
    PERFORM fn_dot_refuse('check_invalid', format('%s is temporary; other sessions cannot call it', v_check));
  ELSIF (SELECT p.prorettype <> 'bigint'::regtype OR p.proretset OR p.prokind <> 'f' FROM pg_proc p
    WHERE p.oid = v_check) THEN
    PERFORM fn_dot_refuse('check_invalid', format('%s does not return bigint', v_check));
  ELSIF fn_dot_check_path_flaw(v_check) IS NOT NULL THEN
    PERFORM fn_dot_refuse('check_invalid',
      format('%s %s: the caller''s temporary tables would be read in place of its own', v_check,
      fn_dot_check_path_flaw(v_check)));
  ELSIF p_severity IS NULL OR p_severity NOT IN ('critical', 'high', 'medium', 'info')
        OR p_on_finding IS NULL OR p_on_finding NOT IN ('BLOCK', 'WARN') OR p_max_age IS NULL
        -- Compares seconds: months and days that cancel each other out would overflow when added to a time.
        OR p_max_age NOT BETWEEN interval '0' AND interval '366 days'
        OR extract(epoch FROM p_max_age) NOT BETWEEN 0 AND 31622400 OR extract(year FROM p_max_age) NOT BETWEEN 0 AND 1
        OR extract(day FROM p_max_age) NOT BETWEEN 0 AND 366 THEN
    PERFORM fn_dot_refuse('check_invalid',
      'severity is critical, high, medium or info; on_finding is BLOCK or WARN; max_age is from 0 to 366 days');
  END IF;
  PERFORM fn_dot_check_text_length(200, jsonb_build_object('check_name', p_check_name, 'count_query', p_count_query,
      'actor', p_actor));
  PERFORM fn_dot_check_text_length(2000, jsonb_build_object('description', p_description));
  PERFORM fn_dot_registry_lock();
  INSERT INTO dot_preflight_check AS c (check_name, severity, on_finding, count_query, max_age, enabled, description)
  VALUES (p_check_name, p_severity, p_on_finding, p_count_query, p_max_age, coalesce(p_enabled, true),
    coalesce(p_description, ''))
  ON CONFLICT (check_name) DO UPDATE SET severity = excluded.severity, on_finding = excluded.on_finding,
    count_query = excluded.count_query, max_age = excluded.max_age, enabled = excluded.enabled,
    description = excluded.description, revision = c.revision + 1;
  -- Looks the row up first: an insert would wait for a caller with an uncommitted result.
  IF NOT EXISTS (SELECT FROM dot_preflight_answer a WHERE a.check_name = p_check_name) THEN
    INSERT INTO dot_preflight_answer (check_name, check_revision) VALUES (p_check_name, 0);
  END IF;
  PERFORM fn_dot_registry_record_change('check', p_check_name,
    jsonb_build_object('severity', p_severity, 'on_finding', p_on_finding, 'count_query', p_count_query,
      'max_age', p_max_age, 'enabled', coalesce(p_enabled, true)), p_actor);
  RETURN p_check_name;
END;
$$;
