-- The newest verified run of a candidate and an input (fn_process_last_verified_output). The input's hash stands for it:
-- an input may be longer than an index entry.
CREATE INDEX process_component_verified_input ON process_component_observation
  (process_candidate_code, hashtextextended(coalesce(input_ref, '') COLLATE "C", 0), created_at)
  WHERE evidence_type = 'REAL_RUN' AND component_role = 'verifier' AND verdict = 'pass' AND invocation_id IS NOT NULL;
