-- The characters with Unicode's White_Space property. Regular expressions will not do: what \s means depends on the
-- locale, and misses the no-break space.
CREATE OR REPLACE FUNCTION fn_dot_whitespace() RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT AS $$
BEGIN
  RETURN U&'\0009\000A\000B\000C\000D\0020\0085\00A0\1680\2000\2001\2002\2003\2004\2005\2006\2007\2008\2009\200A\2028\2029\202F\205F\3000';
END;
$$;
