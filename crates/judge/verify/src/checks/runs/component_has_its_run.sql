-- The foreign key sees to it, as long as it is there and its triggers were not switched off.
SELECT c.component_run_id::text AS subject, format('its run %s has no header', c.process_run_id) AS what
FROM ledger.process_component_observation c
WHERE NOT EXISTS (SELECT FROM ledger.process_run_observation r WHERE r.process_run_id = c.process_run_id);
