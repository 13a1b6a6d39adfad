WITH expected (table_name, column_names) AS (VALUES
  ('process_run_observation',
    '{process_run_id,process_candidate_code,correlation_id,status,evidence_type,source_system,evidence_ref,actor,'
      'recorded_by,created_at,attempt}'::text[]),
  ('process_component_observation',
    '{component_run_id,process_run_id,component_role,process_candidate_code,correlation_id,dot_code,status,'
      'evidence_type,source_system,evidence_ref,actor,recorded_by,created_at}'),
  ('dot_invocation',
    '{invocation_id,process_run_id,dot_code,component_role,mode,posture,endpoint_ref,runner,recorded_by,begun_xid,'
      'begun_at}'),
  ('process_run_conclusion', '{process_run_id,status,evidence_ref,concluded_by,recorded_by,concluded_at}'),
  ('event_outbox',
    '{event_id,event_seq,event_type,stream,lane,severity,correlation_id,process_run_id,payload,occurred_at}'),
  ('dot_config', '{key,value,updated_by,reason,stop_at_end,let_finish,stop_now}'),
  ('dot_run_stop', '{process_run_id,actor,reason,recorded_by,stopped_at}'),
  ('dot_config_history',
    '{change_id,key,value,actor,reason,recorded_by,changed_at,change_xid,snapshot,stop_at_end,let_finish,stop_now}'),
  ('dot_registry_history', '{change_id,kind,key,entry,actor,recorded_by,changed_at}'),
  ('event_type_history', '{change_id,event_type,active,actor,reason,recorded_by,changed_at}'),
  ('dot_lease_force_release',
    '{release_id,lease_name,lease_holder,lease_token,expires_at,actor,reason,recorded_by,released_at}'),
  ('dot_run_request',
    '{request_id,dot_code,process_candidate_code,mode,correlation_id,actor,recorded_by,requested_at,not_before,state}'),
  ('dot_run_resolution', '{resolution_id,process_run_id,happened,actor,reason,recorded_by,resolved_at}'),
  ('dot_tools', '{dot_code,tier,status,lease_scope}')
)
SELECT e.table_name AS subject, format('%s can be null', column_name) AS what
FROM expected e CROSS JOIN unnest(e.column_names) AS column_name
WHERE NOT EXISTS (
  SELECT FROM pg_attribute a
  JOIN pg_class c ON c.oid = a.attrelid
  WHERE c.relnamespace = ledger_oid AND c.relname = e.table_name AND a.attname = column_name
    AND a.attnotnull AND NOT a.attisdropped);
