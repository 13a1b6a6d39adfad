-- The characters with Unicode's White_Space property. A regular expression is no substitute: \s depends on the locale
-- and does not match the no-break space.
CREATE OR REPLACE FUNCTION fn_dot_whitespace() RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT AS $$
#variable_conflict use_column
BEGIN
  RETURN E'\u0009\u000A\u000B\u000C\u000D\u0020\u0085\u00A0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007'
    '\u2008\u2009\u200A\u2028\u2029\u202F\u205F\u3000';
END;
$$;
