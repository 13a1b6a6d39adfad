-- Records what became of a run's output, and returns the event's id. pruned: its files are being removed. moved: it
-- lies at p_moved_to now. missing, changed: the reverification p_found_by found nothing there, or something else.
CREATE OR REPLACE FUNCTION fn_process_output_event_record(
  p_process_run_id uuid, p_kind text, p_actor text, p_moved_to text DEFAULT NULL, p_found_digest text DEFAULT NULL,
  p_found_by uuid DEFAULT NULL) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
DECLARE
  v_output   record;
  v_event_id uuid := fn_dot_uuid_v7();
BEGIN
  IF fn_dot_is_blank(p_actor) THEN
    PERFORM fn_dot_refuse('actor_required', 'who does this is missing');
  ELSIF p_kind IS NULL OR p_kind NOT IN ('pruned', 'moved', 'missing', 'changed') THEN
    PERFORM fn_dot_refuse('output_event_invalid', format('there is no output event %L', left(p_kind, 100)));
  ELSIF (p_kind = 'moved') <> (NOT fn_dot_is_blank(p_moved_to)) THEN
    PERFORM fn_dot_refuse('output_event_invalid',
      'an output that is moved, and no other, has a place that it is moved to');
  ELSIF (p_kind = 'changed') <> (p_found_digest IS NOT NULL) THEN
    PERFORM fn_dot_refuse('output_event_invalid',
      'an output that is changed, and no other, has the digest that was found');
  END IF;
  PERFORM fn_dot_check_text_length(200, jsonb_build_object('actor', p_actor));
  PERFORM fn_dot_check_text_length(2000, jsonb_build_object('moved_to', p_moved_to));
  p_found_digest := fn_dot_check_digest('found_digest', p_found_digest);
  SELECT p.output_digest, coalesce((SELECT e.moved_to FROM process_output_event e
      WHERE e.process_run_id = p.process_run_id AND e.kind = 'moved'
      ORDER BY e.recorded_at DESC, e.output_event_id DESC LIMIT 1), p.output_ref) AS output_ref
  INTO v_output
  FROM process_component_observation p
  WHERE p.process_run_id = p_process_run_id AND p.component_role = 'producer' AND p.output_ref IS NOT NULL;
  IF NOT FOUND THEN
    PERFORM fn_dot_refuse('no_output', format('the run %s has no output', coalesce(p_process_run_id::text, 'null')),
      jsonb_build_object('process_run_id', p_process_run_id));
  ELSIF p_found_digest = v_output.output_digest THEN
    PERFORM fn_dot_refuse('output_event_invalid', 'the digest that was found is the committed one: it did not change');
  ELSIF p_found_by IS NOT NULL AND NOT EXISTS (SELECT FROM process_run_observation r
      WHERE r.process_run_id = p_found_by AND r.reverifies = p_process_run_id) THEN
    PERFORM fn_dot_refuse('output_event_invalid', format('the run %s did not verify this output again', p_found_by));
  END IF;
  INSERT INTO process_output_event (output_event_id, process_run_id, kind, output_ref, moved_to, found_digest, found_by,
    actor)
  VALUES (v_event_id, p_process_run_id, p_kind, v_output.output_ref, p_moved_to, p_found_digest, p_found_by, p_actor);
  RETURN v_event_id;
END;
$$;
