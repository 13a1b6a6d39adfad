-- Single flight for whoever is about to judge a lease and change it: an advisory lock of the lease's name, held until the
-- transaction ends. Every function that writes a lease takes it first, so that the row itself is never waited for, and the
-- pair's call pays for one update instead of a row lock and an update. False where another transaction kept it for five
-- seconds. The key holds the schema: installations do not wait for each other. fn_process_pair_observe spells out the key of
-- fn_dot_lease_lock_key.
CREATE OR REPLACE FUNCTION fn_dot_lease_lock(p_lease_name text) RETURNS boolean
LANGUAGE plpgsql SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
BEGIN
  PERFORM pg_advisory_xact_lock(fn_dot_lease_lock_key(p_lease_name));
  RETURN true;
EXCEPTION WHEN lock_not_available THEN
  RETURN false;
END;
$$;
