-- A caller's evidence_ref with the wrapper's own tags over it: a caller can not claim another actor or posture, nor
-- that something was (or was not) executed.
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
