-- Refuses a run whose contracts changed after the caller read them: it would call what is no longer agreed.
CREATE OR REPLACE FUNCTION fn_dot_refuse_changed_contract(p_dot_code text, p_mode text) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  PERFORM fn_dot_refuse('contract_changed', format('a contract of the pair of %s in mode %s was changed', p_dot_code,
      p_mode),
    jsonb_build_object('dot_code', p_dot_code, 'mode', p_mode));
END;
$$;
