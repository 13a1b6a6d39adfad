-- What makes a text unfit to be kept, in words; null where nothing does. A name (a code, an actor, a key) has no
-- character that can not be seen, no white space but blanks inside, and one spelling only, that of normalization form
-- C: two names that look the same to everybody would be two candidates. It does not begin with a combining mark, which would be
-- shown on whatever stands before it. A text that is only shown (a reason, a title)
-- has no control characters but tab and line breaks, and no characters that turn the direction of writing.
--
-- Invisible is what fn_dot_invisible lists, and what is no character at all.
CREATE OR REPLACE FUNCTION fn_dot_text_flaw(p_text text, p_is_name boolean, OUT flaw text, OUT code_point text)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
#variable_conflict use_column
DECLARE
  c_invisible CONSTANT text := '[' || fn_dot_invisible() || ']';
  c_no_character CONSTANT text :=
    '[\U0001FFFE\U0001FFFF\U0002FFFE\U0002FFFF\U0003FFFE\U0003FFFF\U0004FFFE\U0004FFFF\U0005FFFE\U0005FFFF'
    || '\U0006FFFE\U0006FFFF\U0007FFFE\U0007FFFF\U0008FFFE\U0008FFFF\U0009FFFE\U0009FFFF\U000AFFFE\U000AFFFF'
    || '\U000BFFFE\U000BFFFF\U000CFFFE\U000CFFFF\U000DFFFE\U000DFFFF\U000EFFFE\U000EFFFF\U000FFFFE\U000FFFFF'
    || '\U0010FFFE\U0010FFFF]';
  c_steering CONSTANT text :=
    '[\u0001-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069]';
  v_found text;
BEGIN
  IF NOT p_is_name THEN
    v_found := substring(p_text FROM c_steering COLLATE "C");
    flaw := 'contains a control character';
  ELSE
    v_found := coalesce(substring(p_text FROM c_invisible COLLATE "C"),
      substring(p_text FROM c_no_character COLLATE "C"));
    flaw := 'contains an invisible character';
    IF v_found IS NULL THEN
      v_found := substring(p_text FROM '^ | $' COLLATE "C");
      flaw := 'begins or ends with white space';
    END IF;
    IF v_found IS NULL THEN
      v_found := substring(p_text FROM '^[' || fn_dot_combining_marks() || ']' COLLATE "C");
      flaw := 'begins with a combining mark';
    END IF;
    IF v_found IS NULL AND p_text IS NOT NFC NORMALIZED THEN
      -- The first character that the same text is not spelled with.
      SELECT substr(p_text, i, 1) INTO v_found FROM generate_series(1, length(p_text)) i
      WHERE substr(p_text, i, 1) <> substr(normalize(p_text, NFC), i, 1)
        OR i > length(normalize(p_text, NFC)) ORDER BY i LIMIT 1;
      flaw := 'is not in Unicode normalization form C';
    END IF;
  END IF;
  IF v_found IS NULL THEN
    flaw := NULL;
  ELSE
    code_point := upper(to_hex(ascii(v_found)));
    code_point := 'U+' || lpad(code_point, greatest(length(code_point), 4), '0');
  END IF;
END;
$$;
