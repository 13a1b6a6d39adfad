-- The caller's evidence_ref overwritten by the wrapper's tags: a caller cannot claim another actor or posture, or
-- whether something was executed.
CREATE OR REPLACE FUNCTION fn_dot_evidence_tags(p_evidence_ref jsonb, p_actor text, p_posture text, p_executed boolean)
  RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
#variable_conflict use_column
BEGIN
  RETURN (coalesce(p_evidence_ref, '{}') - 'no_execute')
    || jsonb_build_object('wrapper', 'dot_exec_wrapper', 'actor', p_actor, 'posture', p_posture)
    || CASE WHEN p_executed THEN '{}' ELSE '{"no_execute": true}' END::jsonb;
END;
$$;
