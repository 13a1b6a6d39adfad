-- Writes a gate change to the history at commit: a deferred constraint trigger on dot_config
-- (guards/3_gate_history.sql). The change decides by the snapshot at its commit. Therefore a long transaction between
-- the operator's call and its commit voids no receipt that was committed meanwhile.
--
-- Waits for transactions that are writing receipts for one second. Where one of them does not end, the change goes on
-- and stores its own snapshot, which makes that receipt void (fn_dot_receipt_is_void). The update of dot_gate_state
-- shows other transactions that a change is in flight.
--
--   receipt X   locks, reads the posture … idles …                        commits: void, no component is bound to it
--   change                    waits 1 s, updates the row, snapshot … commits
--   receipt N                                              finds the row in change, waits, reads the new posture
--
-- SECURITY DEFINER: at commit the trigger runs as the session's user.
CREATE OR REPLACE FUNCTION fn_dot_gate_change_record() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '1s' AS $$
#variable_conflict use_column
DECLARE
  v_saw_every_receipt boolean := fn_dot_gate_lock_exclusive();
  v_number            bigint;
  v_snapshot          pg_snapshot;
  v_now               timestamptz;
BEGIN
  IF NOT v_saw_every_receipt AND current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
    PERFORM fn_dot_refuse('snapshot_too_old',
      'a receipt is being written, and this transaction cannot see what it becomes');
  END IF;
  BEGIN
    UPDATE dot_gate_state s SET change_number = s.change_number + 1 RETURNING s.change_number INTO v_number;
  EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    PERFORM fn_dot_refuse('busy', 'another transaction is changing a gate');
  END;
  -- A separate statement after the update: under READ COMMITTED it has the newest snapshot.
  v_snapshot := pg_current_snapshot();
  v_now := clock_timestamp();
  -- Receipts of this transaction do not count as committed before the change. A receipt's id begins with its time.
  v_saw_every_receipt := v_saw_every_receipt AND NOT EXISTS (
    SELECT FROM dot_invocation i
    WHERE i.begun_xid = pg_current_xact_id() AND i.invocation_id >= (lpad(to_hex(
      ((extract(epoch FROM transaction_timestamp()) - 60) * 1000)::bigint), 12, '0') || '00000000000000000000')::uuid);
  INSERT INTO dot_config_history (change_id, key, value, expires_at, actor, reason, changed_at, change_xid, snapshot,
    change_number, saw_every_receipt, cluster_id, effective_at, stop_at_end, let_finish, stop_now)
  VALUES (fn_dot_uuid_v7(), NEW.key, NEW.value, NEW.expires_at, NEW.updated_by, NEW.reason, NEW.updated_at,
    pg_current_xact_id(), v_snapshot, v_number, v_saw_every_receipt, fn_dot_cluster_id(), v_now,
    NEW.stop_at_end, NEW.let_finish, NEW.stop_now);
  -- Runners stop their calls at once. A runner that does not listen polls.
  PERFORM fn_dot_notify('dotwrap_gate');
  RETURN NULL;
END;
$$;
