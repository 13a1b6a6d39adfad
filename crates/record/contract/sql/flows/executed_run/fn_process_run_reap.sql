-- Concludes the runs whose lease expired by the database's clock, and returns their ids. Skips a run that another
-- transaction is writing to; the next call reaps it.
CREATE OR REPLACE FUNCTION fn_process_run_reap(p_actor text) RETURNS SETOF uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
DECLARE
  v_now    timestamptz := clock_timestamp();
  v_name   text;
  v_run_id uuid;
BEGIN
  IF fn_dot_is_blank(p_actor) THEN
    PERFORM fn_dot_refuse('actor_required', 'the actor (p_actor) is missing');
  END IF;
  PERFORM fn_dot_check_text_length(200, jsonb_build_object('actor', p_actor));
  PERFORM fn_dot_lease_sweep();
  FOR v_name IN
    SELECT l.lease_name FROM dot_iu_runtime_lease l
    WHERE l.process_run_id IS NOT NULL AND (l.released_at IS NOT NULL OR l.expires_at <= v_now) ORDER BY l.lease_name
  LOOP
    -- Reads the lease again under its lock: it may have been renewed, concluded or taken over meanwhile. The
    -- subtransaction releases the row's lock where the run is not concluded.
    BEGIN
      SELECT l.process_run_id INTO v_run_id FROM dot_iu_runtime_lease l
      WHERE l.lease_name = v_name AND l.process_run_id IS NOT NULL
        AND (l.released_at IS NOT NULL OR l.expires_at <= v_now)
      FOR NO KEY UPDATE SKIP LOCKED;
      IF NOT FOUND OR NOT fn_dot_run_reap_one(v_run_id, p_actor) THEN
        RAISE EXCEPTION USING ERRCODE = 'DOTUN', MESSAGE = 'undo';
      END IF;
      RETURN NEXT v_run_id;
    EXCEPTION WHEN SQLSTATE 'DOTUN' THEN
      NULL;
    END;
  END LOOP;
END;
$$;
