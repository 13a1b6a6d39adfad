-- Locks a lease's row for a caller that proves to hold it: by the digest of its token, and by the login that took the
-- lease, or an operator's. False, and nothing is locked or waited for, where either is wrong: such a caller keeps
-- nobody waiting. Raises where another transaction keeps the row: who asks is about to change the lease, and can not.
-- Where it returns false the row may be locked all the same: it was changed while this looked at it. A caller that then
-- ends without an error undoes a subtransaction around this.
CREATE OR REPLACE FUNCTION fn_dot_lease_lock_and_read(p_lease_name text, p_token_digest uuid) RETURNS boolean
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  -- Mostly there is nobody to wait for.
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
  -- Again, behind the wait.
  RETURN EXISTS (SELECT FROM dot_iu_runtime_lease l
                 WHERE l.lease_name = p_lease_name AND l.lease_token = p_token_digest
                   AND (l.holder_login = session_user OR fn_dot_login_is('operator')));
END;
$$;
