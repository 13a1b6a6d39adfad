-- The name of the lease that a run of this producer needs. The only place that spells these names. What excludes two
-- runs is the producer's lease_scope:
--   pair       dot_exec:<dot>                      every run of the pair
--   candidate  dot_exec:<dot>:candidate:<digest>   runs that are evidence for the same candidate
--   input      dot_exec:<dot>:input:<digest>       runs with the same input_ref
--   group:<g>  dot_group:<g>                       runs of every producer of that group
-- <digest>: the first 32 hex digits of the text's SHA-256. Without a candidate the name is the pair's own: it keeps
-- narrower runs of the pair out as well (fn_dot_lease_wait_scoped). A code has no colon, so the names differ.
CREATE OR REPLACE FUNCTION fn_dot_lease_name(p_dot_code text, p_process_candidate_code text DEFAULT NULL,
  p_input_ref text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
  v_scope text := 'pair';
BEGIN
  IF p_process_candidate_code IS NOT NULL THEN
    SELECT t.lease_scope INTO v_scope FROM dot_tools t WHERE t.dot_code = p_dot_code;
  END IF;
  IF v_scope = 'candidate' THEN
    RETURN 'dot_exec:' || p_dot_code || ':candidate:'
      || left(encode(sha256(convert_to(p_process_candidate_code, 'UTF8')), 'hex'), 32);
  ELSIF v_scope = 'input' THEN
    RETURN 'dot_exec:' || p_dot_code || ':input:'
      || left(encode(sha256(convert_to(coalesce(p_input_ref, ''), 'UTF8')), 'hex'), 32);
  ELSIF v_scope LIKE 'group:%' THEN
    RETURN 'dot_group:' || substr(v_scope, length('group:') + 1);
  END IF;
  RETURN 'dot_exec:' || p_dot_code;
END;
$$;
