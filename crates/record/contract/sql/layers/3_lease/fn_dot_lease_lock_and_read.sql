-- Locks a lease's row for a caller that proves to hold it, by the digest of the token and by the login that acquired
-- the lease or an operator's. Returns false without a lock or a wait where either is wrong, so that such a caller
-- blocks no other session. Raises where another transaction keeps the row locked, because this caller is about to
-- change it. The row can be locked even where it returns false: the row was changed during the check. A caller that
-- then ends without an error wraps this call in a subtransaction and rolls it back.
CREATE OR REPLACE FUNCTION fn_dot_lease_lock_and_read(p_lease_name text, p_token_digest uuid) RETURNS boolean
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  -- In most cases no transaction holds the lock.
  PERFORM FROM dot_iu_runtime_lease l
  WHERE l.lease_name = p_lease_name AND l.lease_token = p_token_digest
    AND (l.holder_login = session_user OR fn_dot_login_is('operator'))
  FOR NO KEY UPDATE SKIP LOCKED;
  IF FOUND THEN
    RETURN true;
  ELSIF NOT EXISTS (SELECT FROM dot_iu_runtime_lease l
                    WHERE l.lease_name = p_lease_name AND l.lease_token = p_token_digest
                      AND (l.holder_login = session_user OR fn_dot_login_is('operator'))) THEN
    RETURN false;
  ELSIF NOT fn_dot_lease_lock(p_lease_name) THEN
    PERFORM fn_dot_lease_refuse_locked(p_lease_name, 'lease_held');
  END IF;
  -- Checks again after the wait.
  RETURN EXISTS (SELECT FROM dot_iu_runtime_lease l
                 WHERE l.lease_name = p_lease_name AND l.lease_token = p_token_digest
                   AND (l.holder_login = session_user OR fn_dot_login_is('operator')));
END;
$$;
