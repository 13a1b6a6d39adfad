SELECT x.process_run_id::text AS subject,
  format('tagged with the actor %s, its header has %L', coalesce(quote_literal(x.evidence_ref ->> 'actor'), 'nobody'),
    r.actor) AS what
FROM ledger.process_run_conclusion x
JOIN ledger.process_run_observation r ON r.process_run_id = x.process_run_id
WHERE x.evidence_ref ->> 'actor' IS DISTINCT FROM r.actor;
