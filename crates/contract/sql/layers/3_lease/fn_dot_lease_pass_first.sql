-- Takes the pair's lease and gives it back where the common path found no free one: it was never taken before, or
-- somebody holds it, which is refused. The caller has the lease's lock.
CREATE OR REPLACE FUNCTION fn_dot_lease_pass_first(p_lease_name text, p_holder text, p_ttl_seconds integer) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF NOT fn_dot_lease_take(p_lease_name, p_holder, gen_random_uuid(), p_ttl_seconds, true) THEN
    PERFORM fn_dot_lease_refuse(p_lease_name);
  END IF;
END;
$$;
