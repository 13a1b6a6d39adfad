-- Returns why the run may not go on, for the login that began it or an operator's, with the token of its lease. Null
-- where it may. The cause is that of fn_dot_run_stop_cause, or lease_lost: the lease is not held for this run by this
-- token any more, which is also the answer to everybody else. now: the call gets no grace.
--
-- Refuses a snapshot that may hide a stop (snapshot_too_old). That of a transaction's only statement is as new as in
-- READ COMMITTED: a login whose default is another isolation level can ask while others commit.
CREATE OR REPLACE FUNCTION fn_process_run_stop_cause(p_process_run_id uuid, p_lease_token uuid) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
  v_digest uuid := fn_dot_token_digest(p_lease_token);
BEGIN
  IF statement_timestamp() > transaction_timestamp() OR clock_timestamp() > statement_timestamp() + interval '1 second'
    THEN
    PERFORM fn_dot_check_snapshot_is_latest();
  END IF;
  IF NOT EXISTS (
       SELECT FROM process_run_observation r JOIN dot_iu_runtime_lease l ON l.lease_name = r.lease_name
       WHERE r.process_run_id = p_process_run_id AND r.lease_token = v_digest AND l.lease_token = v_digest
         AND l.process_run_id = p_process_run_id AND l.released_at IS NULL AND l.expires_at > clock_timestamp()
         AND (r.recorded_by = session_user OR fn_dot_login_is('operator'))) THEN
    RETURN '{"cause": "lease_lost", "now": true}'::jsonb;
  END IF;
  RETURN fn_dot_run_stop_cause(p_process_run_id);
END;
$$;
