//! A JSON text as it is spelled: what a parser no longer knows of it. The text has been parsed before and is JSON.

use std::iter;

/// The text without the white space between its tokens.
pub(crate) fn compact(json: &str) -> String {
    let mut compact = String::with_capacity(json.len());
    for part in parts(json) {
        if part.starts_with('"') {
            compact.push_str(part);
        } else {
            compact.extend(part.split_ascii_whitespace());
        }
    }
    compact
}

/// Its integers, digit by digit: numbers with neither a fraction nor an exponent.
pub(crate) fn integers(json: &str) -> impl Iterator<Item = &str> {
    let is_of_number = |character: char| {
        character.is_ascii_digit() || matches!(character, '-' | '+' | '.' | 'e' | 'E')
    };
    parts(json)
        .filter(|part| !part.starts_with('"'))
        .flat_map(move |part| part.split(move |character| !is_of_number(character)))
        // `true` and `false` have an `e` as well.
        .filter(|token| token.ends_with(|last: char| last.is_ascii_digit()))
        .filter(|number| !number.contains(['.', 'e', 'E']))
}

/// Its texts, each with its quotes, and what stands between them.
fn parts(json: &str) -> impl Iterator<Item = &str> {
    let mut rest = json;
    iter::from_fn(move || {
        let length = match rest.strip_prefix('"') {
            Some(text) => 1 + length_of_text(text),
            None => rest.find('"').unwrap_or(rest.len()),
        };
        let (part, after) = rest.split_at(length);
        rest = after;
        (!part.is_empty()).then_some(part)
    })
}

/// How long a text is behind its first quote, the last one included.
fn length_of_text(text: &str) -> usize {
    let mut is_escaped = false;
    let end = text.bytes().position(|byte| {
        let is_end = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    });
    end.map_or(text.len(), |end| end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_white_space_between_tokens_is_dropped() {
        let json = "{ \"a b\\\" \" :\t[ 1e30 ,\r\n -0.50 ] , \"\\\\\" : \"\" }";
        assert_eq!(compact(json), "{\"a b\\\" \":[1e30,-0.50],\"\\\\\":\"\"}");
    }

    #[test]
    fn integers_are_neither_in_texts_nor_parts_of_other_numbers() {
        let json = r#"{"7 8": [-12, 3.5, 4e6, 5E-7, true, false, null, "9", 0]}"#;
        assert_eq!(integers(json).collect::<Vec<_>>(), ["-12", "0"]);
        assert_eq!(integers("42").collect::<Vec<_>>(), ["42"]);
    }
}
