-- What excludes a run from others is the producer's scope, which may have changed since: the pair, the candidate, the
-- input, or a group.
SELECT r.process_run_id::text AS subject,
  format('bound to the lease %L, which is neither its pair''s, its candidate''s, its input''s nor a group''s',
    r.lease_name) AS what
FROM ledger.process_run_observation r
WHERE r.lease_token IS NOT NULL AND r.lease_name IS DISTINCT FROM 'dot_exec:' || r.dot_code
  AND r.lease_name IS DISTINCT FROM 'dot_exec:' || r.dot_code || ':candidate:'
    || left(encode(sha256(convert_to(r.process_candidate_code, 'UTF8')), 'hex'), 32)
  AND r.lease_name IS DISTINCT FROM 'dot_exec:' || r.dot_code || ':input:'
    || left(encode(sha256(convert_to(coalesce(r.input_ref, ''), 'UTF8')), 'hex'), 32)
  AND r.lease_name !~ '^dot_group:[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$'
UNION ALL
-- Each acquisition has a token of its own, and a run is begun under one of its own.
SELECT min(r.process_run_id::text), format('its lease token is bound to %s runs', count(*))
FROM ledger.process_run_observation r
WHERE r.lease_token IS NOT NULL
GROUP BY r.lease_token
HAVING count(*) > 1
UNION ALL
-- The next acquirer of the lease concludes the run that its last holder left. A run that no lease names stays open
-- forever.
SELECT r.process_run_id::text, format('not concluded, and the lease %L is not bound to it: nobody will reap it',
  r.lease_name)
FROM ledger.process_run_observation r
LEFT JOIN ledger.dot_iu_runtime_lease l ON l.lease_name = r.lease_name
WHERE r.lease_token IS NOT NULL AND l.process_run_id IS DISTINCT FROM r.process_run_id
  AND NOT EXISTS (SELECT FROM ledger.process_run_conclusion x WHERE x.process_run_id = r.process_run_id)
UNION ALL
-- A change of a pair waits for the runs of the pair, so that its two DOTs never hold a run each.
SELECT l.process_run_id::text, format('the leases %L and %L, of one pair, hold a run each', l.lease_name, o.lease_name)
FROM ledger.dot_tools t
JOIN ledger.dot_iu_runtime_lease l ON l.lease_name = 'dot_exec:' || t.dot_code AND l.process_run_id IS NOT NULL
JOIN ledger.dot_iu_runtime_lease o ON o.lease_name = 'dot_exec:' || t.paired_dot AND o.process_run_id IS NOT NULL
WHERE t.pair_role = 'producer';
