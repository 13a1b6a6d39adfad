-- What the gates allow at this instant. VOLATILE on purpose: a receipt reads it in a statement of its own, after it took
-- the gates' lock, and has to see what was committed up to then. The clock is the wall's: with now(), a transaction that
-- began before a gate expired would still see it open.
CREATE OR REPLACE FUNCTION fn_process_dot_posture() RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  v_now     timestamptz := clock_timestamp();
  v_open    text[];
BEGIN
  -- Every live gate with what it says, exactly as written; 'TRUE', ' true' and '1' are not 'true'.
  SELECT array_agg(c.key || '=' || c.value) INTO v_open
  FROM dot_config c WHERE c.expires_at IS NULL OR c.expires_at > v_now;
  RETURN CASE
    WHEN v_open IS NULL OR NOT v_open @> '{iu_core.operator_runtime_enabled=true,process_dot_runtime.execute_enabled=true}'
      THEN 'NO_EXECUTE'
    WHEN v_open @> '{process_dot_runtime.real_run_enabled=true,process_dot_runtime.dry_run_only=false}'
      THEN 'REAL_RUN'
    ELSE 'DRY_RUN_ONLY'
  END;
END;
$$;
