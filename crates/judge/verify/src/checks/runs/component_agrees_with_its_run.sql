SELECT c.component_run_id::text AS subject,
  concat_ws('; ',
    CASE WHEN c.correlation_id <> r.correlation_id
      THEN format('correlation id %L, the header has %L', left(c.correlation_id, 100), left(r.correlation_id, 100)) END,
    CASE WHEN c.process_candidate_code <> r.process_candidate_code
      THEN format('candidate %L, the header has %L', c.process_candidate_code, r.process_candidate_code) END) AS what
FROM ledger.process_component_observation c
JOIN ledger.process_run_observation r ON r.process_run_id = c.process_run_id
WHERE c.correlation_id <> r.correlation_id OR c.process_candidate_code <> r.process_candidate_code;
