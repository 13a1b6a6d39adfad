-- Everything is shipped closed: no gate open, no event type active.

INSERT INTO dot_config (key, value, updated_by, reason) VALUES
  ('iu_core.operator_runtime_enabled',        'false', 'dotwrap', 'closed as shipped'),
  ('process_dot_runtime.execute_enabled',     'false', 'dotwrap', 'closed as shipped'),
  ('process_dot_runtime.dry_run_only',        'true',  'dotwrap', 'braked as shipped'),
  ('process_dot_runtime.real_run_enabled',    'false', 'dotwrap', 'closed as shipped');

INSERT INTO event_type_registry (event_type, stream, lane, severity, description) VALUES
  ('process.run.started',         'update', 'delayed',   'info',    'A run was recorded as started.'),
  ('process.run.completed',       'update', 'delayed',   'info',    'A run was recorded as completed.'),
  ('process.step.started',        'update', 'delayed',   'info',    'A component was recorded as started.'),
  ('process.step.completed',      'update', 'delayed',   'info',    'A component was recorded as completed.'),
  ('process.run.failed',          'alert',  'immediate', 'warning', 'A run failed.'),
  ('process.correlation.missing', 'alert',  'immediate', 'warning', 'A run has a component missing that should share its correlation.'),
  ('process.evidence.missing',    'alert',  'immediate', 'warning', 'A run ended without the evidence that it was begun for.');

INSERT INTO dot_preflight_check (check_name, severity, on_finding, count_query, max_age, description) VALUES
  ('ledger_guards_missing', 'critical', 'BLOCK', quote_ident(current_schema()) || '.fn_dot_check_ledger_guards', '5 seconds',
   'Ledger tables whose append-only trigger is missing or not ENABLE ALWAYS.'),
  ('tier_b_without_verifier', 'high', 'WARN', quote_ident(current_schema()) || '.fn_dot_check_unverified_writers', '1 second',
   'Tier B DOTs (they write) without a tier A verifier as their pair.'),
  ('gates_malformed', 'medium', 'WARN', quote_ident(current_schema()) || '.fn_dot_check_malformed_gates', '1 second',
   'Gates that are missing, or say neither true nor false: closed, but not on purpose.');
