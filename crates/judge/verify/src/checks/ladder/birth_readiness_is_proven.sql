SELECT coalesce(k.process_candidate_code, v.process_candidate_code) AS subject,
  format('the view shows %s, the ledger proves %s', coalesce(v.candidate_status_v3, 'no such candidate'),
    coalesce(k.candidate_status_v3, 'no such candidate')) AS what
FROM recomputed k
FULL JOIN ledger.v_process_discovery_birth_readiness_v3 v ON v.process_candidate_code = k.process_candidate_code
WHERE (v.candidate_status_v3, v.birth_gate_status_v3) IS DISTINCT FROM (k.candidate_status_v3, k.birth_gate_status_v3);
