-- A pair that was written without its function left no trace in the history, and shows here.
WITH recorded AS (
  SELECT DISTINCT ON (h.entry ->> 'process_candidate_code', h.entry ->> 'dot_code')
    h.entry ->> 'process_candidate_code' AS process_candidate_code, h.entry ->> 'dot_code' AS dot_code,
    h.entry -> 'is_declared' = 'true' AS is_declared, h.entry -> 'is_inferred' = 'true' AS is_inferred
  FROM ledger.dot_registry_history h
  WHERE h.kind = 'candidate_pair'
  ORDER BY h.entry ->> 'process_candidate_code', h.entry ->> 'dot_code', h.changed_at DESC, h.change_id DESC
)
SELECT coalesce(b.process_candidate_code, h.process_candidate_code) AS subject,
  format('%s is %s for it, its history says %s', left(coalesce(b.dot_code, h.dot_code), 200),
    CASE WHEN b.dot_code IS NULL THEN 'not declared' WHEN b.is_inferred THEN 'inferred' ELSE 'declared' END,
    CASE WHEN h.dot_code IS NULL THEN 'nothing' WHEN h.is_declared IS NOT TRUE THEN 'not declared'
      WHEN h.is_inferred THEN 'inferred' ELSE 'declared' END) AS what
FROM ledger.process_candidate_pair b
FULL JOIN recorded h ON h.process_candidate_code = b.process_candidate_code AND h.dot_code = b.dot_code
WHERE (b.dot_code IS NOT NULL) <> (h.is_declared IS TRUE)
  OR (b.dot_code IS NOT NULL AND b.is_inferred IS DISTINCT FROM h.is_inferred);
