-- Releases a live lease by force, for operators. An executed run that was begun under it cannot go on, because its
-- token is no longer the lease's. Single observations are bound to no lease. Returns true where there was a lease to
-- release. Refuses with busy, naming login and process, where an open transaction holds the lease: only the end of that
-- transaction frees it.
CREATE OR REPLACE FUNCTION fn_dot_lease_force_release(p_lease_name text, p_actor text, p_reason text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
DECLARE
  v_lease record;
  v_now   timestamptz;
BEGIN
  IF fn_dot_is_blank(p_actor) THEN
    PERFORM fn_dot_refuse('actor_required', 'the actor (p_actor) is missing');
  ELSIF fn_dot_is_blank(p_reason) THEN
    PERFORM fn_dot_refuse('reason_required', 'the reason (p_reason) is missing');
  END IF;
  PERFORM fn_dot_lease_check_arguments(p_lease_name, p_actor, 1);
  PERFORM fn_dot_check_text_length(2000, jsonb_build_object('reason', p_reason));
  -- Also where no row is visible: a transaction that acquires the lease for the first time has not committed its row.
  IF NOT fn_dot_lease_lock(p_lease_name) THEN
    PERFORM fn_dot_lease_refuse_locked(p_lease_name, 'busy');
  END IF;
  SELECT l.lease_holder, l.lease_token, l.holder_login, l.expires_at, l.released_at INTO v_lease
  FROM dot_iu_runtime_lease l WHERE l.lease_name = p_lease_name;
  v_now := clock_timestamp();
  IF v_lease.released_at IS NOT NULL THEN
    -- The row that this function inserted in order to lock it.
    DELETE FROM dot_iu_runtime_lease l WHERE l.lease_name = p_lease_name AND l.acquisitions = 0;
    RETURN false;
  END IF;
  INSERT INTO dot_lease_force_release (release_id, lease_name, lease_holder, lease_token, holder_login, expires_at,
    actor, reason, released_at)
  VALUES (fn_dot_uuid_v7(), p_lease_name, v_lease.lease_holder, v_lease.lease_token, v_lease.holder_login,
    v_lease.expires_at, p_actor, p_reason, v_now);
  -- Sets a new token: the next step of the old holder finds that it lost the lease.
  UPDATE dot_iu_runtime_lease l SET released_at = v_now, lease_token = gen_random_uuid()
    WHERE l.lease_name = p_lease_name;
  -- Runners that listen for gate changes also check their lease, and stop their call before the next holder begins one.
  -- Other runners notice at their next renewal.
  PERFORM fn_dot_notify('dotwrap_gate');
  RETURN true;
END;
$$;
