-- What a real run was begun for was declared then; where it is not declared now, an operator took it back, or the run
-- was recorded by another way than the contract's.
SELECT c.process_candidate_code AS subject,
  format('%s real runs of %s are recorded for it, and no such pair is declared: they prove nothing', count(*),
    left(c.dot_code, 200)) AS what
FROM ledger.process_component_observation c
WHERE c.component_role = 'producer' AND c.evidence_type = 'REAL_RUN'
  AND NOT EXISTS (SELECT FROM ledger.process_candidate_pair b
                  WHERE b.process_candidate_code = c.process_candidate_code AND b.dot_code = c.dot_code)
GROUP BY c.process_candidate_code, c.dot_code;
