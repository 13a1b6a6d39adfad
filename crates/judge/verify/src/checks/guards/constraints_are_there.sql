-- By what they say, not by their names. PostgreSQL's own wording of a constraint also tells where it is NOT VALID or
-- NOT ENFORCED.
WITH expected (table_name, definition) AS (VALUES
  ('process_run_observation', 'PRIMARY KEY (process_run_id)'),
  ('process_run_observation', 'CHECK (((lease_name IS NULL) = (lease_token IS NULL)))'),
  ('process_run_observation', 'CHECK ((jsonb_typeof(evidence_ref) = ''object''::text))'),
  ('process_run_observation',
    'CHECK ((evidence_type = ANY (ARRAY[''REAL_RUN''::text, ''DRY_RUN''::text, ''SIMULATED_DRY_RUN''::text, '
    '''BACKFILLED_EVIDENCE''::text])))'),
  ('process_run_observation',
    'CHECK ((status = ANY (ARRAY[''observed''::text, ''started''::text, ''step_started''::text, '
    '''step_completed''::text, ''completed''::text, ''failed''::text, ''stuck''::text, ''cancelled''::text, '
    '''orphan''::text])))'),
  ('process_component_observation', 'PRIMARY KEY (component_run_id)'),
  ('process_component_observation', 'UNIQUE (process_run_id, component_role)'),
  ('process_component_observation', 'FOREIGN KEY (process_run_id) REFERENCES process_run_observation(process_run_id)'),
  ('process_component_observation', 'FOREIGN KEY (invocation_id) REFERENCES dot_invocation(invocation_id)'),
  -- The rule that the product exists for.
  ('process_component_observation',
    'CHECK (((invocation_id IS NOT NULL) OR ((evidence_type <> ALL (ARRAY[''DRY_RUN''::text, ''REAL_RUN''::text])) AND '
    '(verdict IS NULL))))'),
  ('process_component_observation', 'CHECK ((component_role = ANY (ARRAY[''producer''::text, ''verifier''::text])))'),
  ('process_component_observation', 'CHECK ((jsonb_typeof(evidence_ref) = ''object''::text))'),
  ('process_component_observation',
    'CHECK ((evidence_type = ANY (ARRAY[''REAL_RUN''::text, ''DRY_RUN''::text, ''SIMULATED_DRY_RUN''::text, '
    '''BACKFILLED_EVIDENCE''::text])))'),
  ('process_component_observation',
    'CHECK ((status = ANY (ARRAY[''observed''::text, ''started''::text, ''step_started''::text, '
    '''step_completed''::text, ''completed''::text, ''failed''::text, ''stuck''::text, ''cancelled''::text, '
    '''orphan''::text])))'),
  ('process_component_observation', 'CHECK ((verdict = ANY (ARRAY[''pass''::text, ''fail''::text, ''error''::text])))'),
  ('dot_invocation', 'PRIMARY KEY (invocation_id)'),
  ('dot_invocation', 'UNIQUE (process_run_id, component_role)'),
  ('dot_invocation', 'FOREIGN KEY (process_run_id) REFERENCES process_run_observation(process_run_id)'),
  ('dot_invocation', 'CHECK ((component_role = ANY (ARRAY[''producer''::text, ''verifier''::text])))'),
  ('dot_invocation', 'CHECK ((mode = ANY (ARRAY[''DRY_RUN''::text, ''REAL_RUN''::text])))'),
  ('dot_invocation',
    'CHECK (((posture = ANY (ARRAY[''DRY_RUN_ONLY''::text, ''REAL_RUN''::text])) OR ((posture = ''NO_EXECUTE''::text) '
    'AND (component_role = ''verifier''::text))))'),
  ('process_run_conclusion', 'PRIMARY KEY (process_run_id)'),
  ('process_run_conclusion', 'FOREIGN KEY (process_run_id) REFERENCES process_run_observation(process_run_id)'),
  ('process_run_conclusion', 'CHECK ((jsonb_typeof(evidence_ref) = ''object''::text))'),
  ('process_run_conclusion',
    'CHECK ((status = ANY (ARRAY[''completed''::text, ''failed''::text, ''stuck''::text, ''cancelled''::text, '
    '''orphan''::text])))'),
  ('process_run_conclusion', 'CHECK ((verdict = ANY (ARRAY[''pass''::text, ''fail''::text, ''error''::text])))'),
  ('dot_run_request', 'PRIMARY KEY (request_id)'),
  ('event_outbox', 'PRIMARY KEY (event_id)'),
  ('event_type_registry', 'PRIMARY KEY (event_type)'),
  ('event_type_history', 'PRIMARY KEY (change_id)'),
  ('dot_registry_history', 'PRIMARY KEY (change_id)'),
  ('dot_config', 'PRIMARY KEY (key)'),
  ('dot_config_history', 'PRIMARY KEY (change_id)'),
  ('dot_iu_runtime_lease', 'PRIMARY KEY (lease_name)'),
  ('process_run_observation', 'CHECK (((attempt >= 1) AND ((attempt = 1) = (attempt_of IS NULL))))'),
  ('dot_run_resolution', 'PRIMARY KEY (resolution_id)'),
  ('dot_lease_force_release', 'PRIMARY KEY (release_id)'),
  ('dot_run_stop', 'PRIMARY KEY (process_run_id)'),
  ('dot_run_stop', 'FOREIGN KEY (process_run_id) REFERENCES process_run_observation(process_run_id)'),
  ('process_candidate', 'PRIMARY KEY (process_candidate_code)'),
  ('process_candidate_pair', 'PRIMARY KEY (process_candidate_code, dot_code)'),
  ('process_observation_rollup', 'PRIMARY KEY (process_candidate_code, dot_code, slot)'),
  ('dot_tools', 'PRIMARY KEY (dot_code)'),
  -- Keys differ from codes by their colon.
  ('dot_tools', 'CHECK (((POSITION(('':''::text) IN (dot_code)) = 0) AND (dot_code <> ''''::text)))'),
  -- The pair of my pair is me, never myself, and in the other role.
  ('dot_tools', 'CHECK ((paired_dot <> dot_code))'),
  ('dot_tools', 'CHECK ((pair_role = ANY (ARRAY[''producer''::text, ''verifier''::text])))'),
  ('dot_tools', 'CHECK (((paired_dot IS NULL) = (pair_role IS NULL)))'),
  ('dot_tools', 'FOREIGN KEY (paired_dot, dot_code, partner_role) REFERENCES dot_tools(dot_code, paired_dot, '
    'pair_role) DEFERRABLE INITIALLY DEFERRED')
)
SELECT e.table_name AS subject, format('no constraint that says %s', e.definition) AS what
FROM expected e
WHERE NOT EXISTS (
  SELECT FROM pg_constraint k
  JOIN pg_class c ON c.oid = k.conrelid
  WHERE c.relnamespace = ledger_oid AND c.relname = e.table_name
    AND k.convalidated
    AND replace(pg_get_constraintdef(k.oid), ' REFERENCES ' || quote_ident(ledger_name) || '.',
      ' REFERENCES ') = e.definition);
