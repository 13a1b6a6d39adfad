-- Makes the transaction wait for the disk, when it commits: a deferred trigger of the tables whose rows are
-- acknowledged. A session that switches synchronous_commit off behind the call that wrote them does not lose them in a
-- crash.
CREATE OR REPLACE FUNCTION fn_dot_commit_durably() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
#variable_conflict use_column
BEGIN
  IF current_setting('synchronous_commit') = 'off' THEN
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
  RETURN NULL;
END;
$$;
