-- Whether a lease belongs to one candidate or input of a pair (fn_dot_lease_name). Such a lease is inserted when a run
-- needs it and deleted when the run is concluded: their number is that of the open runs, however many inputs there are.
CREATE OR REPLACE FUNCTION fn_dot_lease_is_narrow(p_lease_name text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE AS $$
#variable_conflict use_column
BEGIN
  RETURN p_lease_name ~ '^dot_exec:[^:]+:(candidate|input):[0-9a-f]{32}$';
END;
$$;
