-- Refuses a call that read its pair, waited for the pair's lease, and then finds the pair changed: another transaction
-- swapped the roles or assigned another verifier meanwhile. p_is_executed: refuses retired and paused tools too.
-- Simulations of such a pair are recorded.
CREATE OR REPLACE FUNCTION fn_dot_check_pair_is_current(p_dot_code text, p_verifier text, p_is_executed boolean)
  RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  IF NOT EXISTS (SELECT FROM dot_tools t
                 WHERE t.dot_code = p_dot_code AND t.pair_role = 'producer' AND t.paired_dot = p_verifier) THEN
    PERFORM fn_dot_refuse('busy', format('the pair of %s was just changed', p_dot_code),
      jsonb_build_object('dot_code', p_dot_code));
  ELSIF p_is_executed THEN
    PERFORM fn_dot_check_not_retired(p_dot_code);
    PERFORM fn_dot_check_not_paused(p_dot_code);
  END IF;
END;
$$;
