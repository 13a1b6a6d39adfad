-- A contract can change between a runner's look at it and the receipt, which the database fills from the contract.
SELECT c.component_run_id::text AS subject,
  format('called %s, its receipt %s is for %s', left(c.evidence_ref ->> 'endpoint_ref', 200), i.invocation_id,
    left(i.endpoint_ref, 200)) AS what
FROM ledger.process_component_observation c
JOIN ledger.dot_invocation i ON i.invocation_id = c.invocation_id
WHERE c.evidence_ref ->> 'endpoint_ref' <> i.endpoint_ref;
