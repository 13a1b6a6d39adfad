-- Locks the leases of these DOTs' pairs, as registered, until the transaction ends, and waits for runs that are being
-- begun, so that the caller sees them. A run that begins meanwhile waits for this transaction and then finds the
-- changed registry (fn_dot_check_pair_is_current). The caller holds the registry's lock, so two changes never meet
-- here. Returns a lease that another transaction kept locked for five seconds, or null.
CREATE OR REPLACE FUNCTION fn_dot_pair_lock(p_dot_codes text[]) RETURNS text
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_lease_name text;
BEGIN
  FOR v_lease_name IN
    SELECT DISTINCT fn_dot_lease_name(CASE t.pair_role WHEN 'producer' THEN t.dot_code ELSE t.paired_dot END)
    FROM dot_tools t WHERE t.dot_code = ANY (p_dot_codes) AND t.pair_role IS NOT NULL ORDER BY 1
  LOOP
    IF NOT fn_dot_lease_lock(v_lease_name) THEN
      RETURN v_lease_name;
    END IF;
    -- A row that was inserted in order to lock it: its index entry stays locked.
    DELETE FROM dot_iu_runtime_lease l WHERE l.lease_name = v_lease_name AND l.acquisitions = 0;
  END LOOP;
  RETURN NULL;
END;
$$;
