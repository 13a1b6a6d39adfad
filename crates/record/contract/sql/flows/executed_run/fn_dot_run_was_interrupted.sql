-- Whether a concluded run was stopped because its runner was itself told to stop, for example a worker that is
-- replaced. Such a run is no attempt.
CREATE OR REPLACE FUNCTION fn_dot_run_was_interrupted(p_process_run_id uuid) RETURNS boolean
LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT FROM process_run_conclusion x
    WHERE x.process_run_id = p_process_run_id AND x.status = 'cancelled'
      AND (x.evidence_ref ->> 'reason' IS NOT DISTINCT FROM 'interrupted'
        OR EXISTS (SELECT FROM process_component_observation c WHERE c.process_run_id = p_process_run_id
          AND c.evidence_ref #>> '{stop,reason}' = 'interrupted')))
$$;
