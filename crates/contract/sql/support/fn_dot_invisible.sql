-- The characters that show nothing, as they stand between the brackets of a regular expression (with COLLATE "C"): Unicode's
-- categories Cc, Cf, Zl, Zp and Zs but the blank, what is ignored by default (joiners, fillers, variation selectors, tags), the
-- empty Braille pattern, the object replacement character, the null notehead, private use, and what is no character in the
-- basic plane.
CREATE OR REPLACE FUNCTION fn_dot_invisible() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT '\u0001-\u001F\u007F-\u00A0\u00AD\u034F\u0600-\u0605\u061C\u06DD\u070F\u0890-\u0891\u08E2'
    || '\u115F-\u1160\u1680\u17B4-\u17B5\u180B-\u180F\u2000-\u200F\u2028-\u202F\u205F-\u206F\u2800\u3000'
    || '\u3164\uE000-\uF8FF\uFDD0-\uFDEF\uFE00-\uFE0F\uFEFF\uFFA0\uFFF0-\uFFFC\uFFFE-\uFFFF\U000110BD\U000110CD'
    || '\U00013430-\U0001343F\U0001BCA0-\U0001BCA3\U0001D159\U0001D173-\U0001D17A\U000E0000-\U0010FFFF';
$$;
