-- They overwrite a caller's keys of those names, so that a caller cannot claim another actor, nor that something ran.
WITH tagged AS (
  SELECT r.process_run_id::text AS subject, r.actor, r.evidence_ref,
    -- A header that claims an execution proves none either way: its components say it.
    CASE WHEN r.evidence_type NOT IN ('DRY_RUN', 'REAL_RUN') THEN true END AS is_without_execution
  FROM ledger.process_run_observation r
  UNION ALL
  SELECT c.component_run_id::text, c.actor, c.evidence_ref, c.invocation_id IS NULL
  FROM ledger.process_component_observation c
)
SELECT t.subject, concat_ws('; ',
    CASE WHEN t.evidence_ref ->> 'wrapper' IS DISTINCT FROM 'dot_exec_wrapper'
      THEN 'the wrapper''s name is missing' END,
    CASE WHEN t.evidence_ref ->> 'actor' IS DISTINCT FROM t.actor THEN format('actor %s, the row has %s',
      coalesce(quote_literal(t.evidence_ref ->> 'actor'), 'missing'), quote_literal(t.actor)) END,
    CASE WHEN coalesce(t.evidence_ref ->> 'posture', '') NOT IN ('NO_EXECUTE', 'DRY_RUN_ONLY', 'REAL_RUN')
      THEN 'no posture' END,
    CASE WHEN t.is_without_execution AND NOT t.evidence_ref @> '{"no_execute": true}'
      THEN 'nothing was executed, and no_execute does not say so' END,
    CASE WHEN NOT t.is_without_execution AND t.evidence_ref @> '{"no_execute": true}'
      THEN 'no_execute, beside a receipt' END) AS what
FROM tagged t
WHERE t.evidence_ref ->> 'wrapper' IS DISTINCT FROM 'dot_exec_wrapper'
  OR t.evidence_ref ->> 'actor' IS DISTINCT FROM t.actor
  OR coalesce(t.evidence_ref ->> 'posture', '') NOT IN ('NO_EXECUTE', 'DRY_RUN_ONLY', 'REAL_RUN')
  OR t.is_without_execution <> (t.evidence_ref @> '{"no_execute": true}');
