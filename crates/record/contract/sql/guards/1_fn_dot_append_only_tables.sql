-- The append-only tables: the ledger, and the histories of gates and permissions.
CREATE OR REPLACE FUNCTION fn_dot_append_only_tables() RETURNS text[]
LANGUAGE sql IMMUTABLE SET search_path FROM CURRENT AS $$
  SELECT '{process_run_observation,process_component_observation,dot_invocation,process_run_conclusion,event_outbox,
    dot_refusal,dot_config_history,dot_registry_history,event_type_history,dot_lease_force_release,dot_run_resolution,
    dot_run_stop}'::text[];
$$;
