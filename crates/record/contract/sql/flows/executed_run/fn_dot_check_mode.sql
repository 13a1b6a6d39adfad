-- Only DRY_RUN and REAL_RUN can be executed. A contract's other modes are plans and checks without a call.
CREATE OR REPLACE FUNCTION fn_dot_check_mode(p_mode text) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  IF p_mode IN ('PLAN_ONLY', 'VERIFY_ONLY') THEN
    PERFORM fn_dot_refuse('mode_not_allowed', format('a run is not executed in mode %s', p_mode));
  ELSIF p_mode IS NULL OR p_mode NOT IN ('DRY_RUN', 'REAL_RUN') THEN
    PERFORM fn_dot_refuse('mode_invalid', format('there is no mode %L', left(p_mode, 100)));
  END IF;
END;
$$;
