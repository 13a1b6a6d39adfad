-- The built-in checks. SECURITY INVOKER: they run with the privileges of the checker role.

CREATE OR REPLACE FUNCTION fn_dot_check_unverified_writers() RETURNS bigint
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
  -- Matches the partial index: an unpaired writer, or a verifier that itself writes and so leaves its producer without
  -- a tier A verifier.
  SELECT count(*) FROM dot_tools t WHERE t.tier = 'B' AND (t.paired_dot IS NULL OR t.pair_role = 'verifier');
$$;

CREATE OR REPLACE FUNCTION fn_dot_check_malformed_gates() RETURNS bigint
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
  SELECT 4 - count(*) FROM dot_config c
  WHERE c.value IN ('true', 'false')
    AND c.key IN ('iu_core.operator_runtime_enabled', 'process_dot_runtime.execute_enabled',
                  'process_dot_runtime.dry_run_only', 'process_dot_runtime.real_run_enabled');
$$;

CREATE OR REPLACE FUNCTION fn_dot_check_ledger_guards() RETURNS bigint
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
  SELECT count(*) FROM unnest(fn_dot_append_only_tables()) AS guarded (table_name)
  WHERE NOT EXISTS (
    SELECT FROM pg_trigger t
    WHERE t.tgrelid = to_regclass(quote_ident(current_schema()) || '.' || quote_ident(guarded.table_name))
      AND t.tgname = 'ledger_append_only' AND t.tgenabled = 'A');
$$;
