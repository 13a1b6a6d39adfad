-- Between the receipt and the row, by the database's clock. A runner goes by that clock, within a minute, wherever it
-- can ask for it; where it could not, its machine's clock may have been wrong.
SELECT c.component_run_id::text AS subject,
  format('the call is said to have lasted from %s to %s, its receipt is of %s, and its row of %s',
    coalesce(c.started_at::text, '(not said)'), coalesce(c.ended_at::text, '(not said)'), i.begun_at, c.created_at)
      AS what
FROM ledger.process_component_observation c JOIN ledger.dot_invocation i ON i.invocation_id = c.invocation_id
WHERE least(c.started_at, c.ended_at) < i.begun_at - interval '5 minutes'
  OR greatest(c.started_at, c.ended_at) > c.created_at + interval '5 minutes';
