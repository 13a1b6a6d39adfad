-- Checks the arguments that acquire and renew share.
CREATE OR REPLACE FUNCTION fn_dot_lease_check_arguments(p_lease_name text, p_holder text, p_ttl_seconds integer)
  RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  IF fn_dot_is_blank(p_lease_name) OR length(p_lease_name) > 500 THEN
    PERFORM fn_dot_refuse('lease_name_invalid', 'the lease''s name is missing or longer than 500 characters');
  ELSIF fn_dot_is_blank(p_holder) THEN
    PERFORM fn_dot_refuse('holder_required', 'the holder (p_holder) is missing');
  ELSIF p_ttl_seconds IS NULL OR p_ttl_seconds NOT BETWEEN 1 AND 86400 THEN
    PERFORM fn_dot_refuse('ttl_invalid', format('a lease cannot live for %s seconds',
        coalesce(p_ttl_seconds::text, 'null')));
  END IF;
  IF concat(p_holder, p_lease_name) !~ '^[!-~]{1,200}$' COLLATE "C" THEN
    PERFORM fn_dot_check_text_length(200, jsonb_build_object('holder', p_holder));
    PERFORM fn_dot_check_text_length(500, jsonb_build_object('lease_name', p_lease_name));
  END IF;
END;
$$;
