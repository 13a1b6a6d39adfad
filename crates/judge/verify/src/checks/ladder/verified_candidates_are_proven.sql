, proven AS (
  SELECT k.* FROM recomputed k WHERE k.candidate_status_v3 IN ('real_run_observed', 'verified_candidate', 'birth_ready')
)
SELECT coalesce(k.process_candidate_code, v.process_candidate_code) AS subject,
  format('the view shows %s, the ledger proves %s', coalesce(v.candidate_status_v3, 'nothing'),
    coalesce(k.candidate_status_v3, 'no real evidence')) AS what
FROM proven k
FULL JOIN ledger.v_process_discovery_verified_candidates_v3 v ON v.process_candidate_code = k.process_candidate_code
WHERE v.candidate_status_v3 IS DISTINCT FROM k.candidate_status_v3;
