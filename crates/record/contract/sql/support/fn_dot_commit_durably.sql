-- Makes the commit wait for the disk: a deferred trigger on the tables with acknowledged rows. A session that sets
-- synchronous_commit to off after the call does not lose the rows in a crash.
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
