-- What the gates allow at this instant, in one row. A view rather than a function, so that the pair's call can read it in
-- the same statement as everything else. A gate counts as written: 'TRUE', ' true' and '1' are not 'true'. The clock is
-- the wall's: with now(), a transaction that began before a gate expired would still see it open.
CREATE OR REPLACE VIEW v_dot_posture AS
SELECT CASE
    WHEN says.live IS NULL OR NOT says.live @> '{iu_core.operator_runtime_enabled=true,process_dot_runtime.execute_enabled=true}' THEN 'NO_EXECUTE'
    WHEN says.live @> '{process_dot_runtime.real_run_enabled=true,process_dot_runtime.dry_run_only=false}' THEN 'REAL_RUN'
    ELSE 'DRY_RUN_ONLY' END AS posture
FROM (SELECT array_agg(c.key || '=' || c.value) AS live FROM dot_config c
      WHERE c.expires_at IS NULL OR c.expires_at > clock_timestamp()) AS says;
