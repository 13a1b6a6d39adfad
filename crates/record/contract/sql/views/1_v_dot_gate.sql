-- The current state of every gate. live: present and not expired. open: live, and its text opens it. Any text except
-- true and false means closed. The brake dry_run_only is open where its text is exactly false.
CREATE OR REPLACE VIEW v_dot_gate AS
SELECT shipped.key, c.value, c.expires_at,
  (c.key IS NOT NULL AND (c.expires_at IS NULL OR c.expires_at > clock_timestamp())) AS live,
  coalesce(c.value = shipped.opened_by AND (c.expires_at IS NULL OR c.expires_at > clock_timestamp()), false) AS open,
  c.updated_at, c.updated_by, c.reason, coalesce(c.stop_at_end, false) AS stop_at_end,
  coalesce(c.let_finish, false) AS let_finish, coalesce(c.stop_now, false) AS stop_now
FROM (VALUES
  ('iu_core.operator_runtime_enabled', 'true'),
  ('process_dot_runtime.execute_enabled', 'true'),
  ('process_dot_runtime.dry_run_only', 'false'),
  ('process_dot_runtime.real_run_enabled', 'true')) AS shipped (key, opened_by)
LEFT JOIN dot_config c ON c.key = shipped.key;
