-- Whether the session's login has one of the installation's roles: reader, observer, runner, operator, relay or
-- archiver. In an installation without roles, every login has all of them. A login that only administers a role does
-- not have it.
CREATE OR REPLACE FUNCTION fn_dot_login_is(p_role text) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
  v_role regrole;
BEGIN
  IF EXISTS (SELECT FROM dot_contract_release r WHERE r.role_prefix IS NULL) THEN
    RETURN true;
  END IF;
  SELECT to_regrole(quote_ident(r.role_prefix || '_' || p_role)) INTO v_role FROM dot_contract_release r;
  RETURN v_role IS NOT NULL AND pg_has_role(session_user, v_role,
    CASE WHEN current_setting('server_version_num')::integer >= 160000 THEN 'USAGE, SET' ELSE 'MEMBER' END);
END;
$$;
