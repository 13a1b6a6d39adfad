-- Gate 1, first half: open only while the key is exactly 'true' and has not expired.
CREATE OR REPLACE FUNCTION fn_dot_iu_operator_runtime_enabled() RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
  v_now timestamptz := clock_timestamp();
BEGIN
  RETURN EXISTS (
    SELECT FROM dot_config c
    WHERE c.key = 'iu_core.operator_runtime_enabled' AND c.value = 'true'
      AND (c.expires_at IS NULL OR c.expires_at > v_now));
END;
$$;
