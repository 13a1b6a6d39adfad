SELECT coalesce(k.process_candidate_code, v.process_candidate_code) AS subject,
  format('the view shows %s, the ledger proves %s',
    CASE WHEN v.process_candidate_code IS NULL THEN 'no such candidate'
      ELSE concat_ws(' ', v.candidate_status_v3, v.birth_gate_status_v3,
      v.best_evidence_type, 'real=' || v.has_real_runtime, 'cross=' || v.has_cross_component_correlation,
        'owner_missing=' || v.owner_missing) END,
    CASE WHEN k.process_candidate_code IS NULL THEN 'no such candidate'
      ELSE concat_ws(' ', k.candidate_status_v3, k.birth_gate_status_v3,
      k.best_evidence_type, 'real=' || k.has_real_runtime, 'cross=' || k.has_cross_component_correlation,
        'owner_missing=' || k.owner_missing) END) AS what
FROM recomputed k
FULL JOIN ledger.v_process_discovery_candidate_status_v3 v ON v.process_candidate_code = k.process_candidate_code
WHERE (v.process_candidate_code, v.candidate_status_v3, v.birth_gate_status_v3, v.best_evidence_type,
  v.has_real_runtime, v.has_cross_component_correlation, v.owner_missing)
  IS DISTINCT FROM (k.process_candidate_code, k.candidate_status_v3, k.birth_gate_status_v3, k.best_evidence_type,
    k.has_real_runtime, k.has_cross_component_correlation, k.owner_missing);
