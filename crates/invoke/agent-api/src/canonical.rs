//! Outputs as bytes: what they are kept as, and which digests are theirs.

use dotwrap_invoke::{
    Digest,
    strict_json::{self, DUPLICATE_MEMBER},
};
use serde_json::{Value as Json, value::RawValue};

use crate::lexical;

/// An output, read in full.
pub(crate) struct Canonical {
    pub(crate) value: Json,
    /// Of a text its own bytes; of anything else the canonical form of RFC 8785.
    pub(crate) bytes: Vec<u8>,
    /// `output.txt` or `output.json`.
    pub(crate) file_name: &'static str,
}

impl Canonical {
    /// Reads an output. One that two readers could understand differently is refused: its digest would not say what it
    /// is.
    pub(crate) fn of(output: &RawValue) -> Result<Self, String> {
        if !lexical::integers(output.get()).all(is_kept) {
            return Err(TOO_LARGE.to_owned());
        }
        let value =
            strict_json::read(output.get().as_bytes()).map_err(|error| ambiguity(&error))?;
        let (bytes, file_name) = match &value {
            Json::String(text) => (text.clone().into_bytes(), "output.txt"),
            other => {
                let bytes = serde_json_canonicalizer::to_vec(other);
                (bytes.map_err(|error| ambiguity(&error))?, "output.json")
            }
        };
        Ok(Self {
            value,
            bytes,
            file_name,
        })
    }

    /// As what an output has this digest, if as anything: `as_it_stood`, `compact`, `canonical` or `text`.
    pub(crate) fn form_with_digest(
        &self,
        output: &RawValue,
        digest: Digest,
    ) -> Option<&'static str> {
        if Digest::of(output.get()) == digest {
            return Some("as_it_stood");
        }
        if Digest::of(&self.bytes) == digest {
            return Some(if self.value.is_string() {
                "text"
            } else {
                "canonical"
            });
        }
        if Digest::of(lexical::compact(output.get())) == digest {
            return Some("compact");
        }
        let canonical = serde_json_canonicalizer::to_vec(&self.value).ok()?;
        (Digest::of(canonical) == digest).then_some("canonical")
    }
}

/// A message of ours is passed on; those of the parser may quote what stood there.
fn ambiguity(error: &serde_json::Error) -> String {
    if error.to_string().starts_with(DUPLICATE_MEMBER) {
        format!("{DUPLICATE_MEMBER}, at column {}", error.column())
    } else {
        "it cannot be read".to_owned()
    }
}

const TOO_LARGE: &str = "an integer is larger than a double can hold";

/// An integer with fewer digits is the same integer as a double.
const DIGITS_OF_A_DOUBLE: usize = 15;

/// To the canonical form, and to most readers, numbers are doubles: an integer that comes out of one as another would
/// be kept and digested as what it is not.
fn is_kept(integer: &str) -> bool {
    integer.len() <= DIGITS_OF_A_DOUBLE
        || integer
            .parse::<f64>()
            .ok()
            .and_then(|double| serde_json_canonicalizer::to_string(&double).ok())
            .is_some_and(|canonical| canonical == integer)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn canonical(json: &str) -> Result<Canonical, String> {
        Canonical::of(serde_json::from_str(json).unwrap())
    }

    #[test]
    fn members_are_sorted_and_white_space_is_dropped() {
        let output = canonical(r#"{ "b" : [ 1.0, "é" ], "a" : null }"#).unwrap();
        assert_eq!(output.bytes, r#"{"a":null,"b":[1,"é"]}"#.as_bytes());
        assert_eq!(output.file_name, "output.json");
    }

    #[test]
    fn a_text_is_kept_as_its_own_bytes() {
        let output = canonical("\"a\\nb\"").unwrap();
        assert_eq!(output.bytes, b"a\nb");
        assert_eq!(output.file_name, "output.txt");
    }

    #[test]
    fn what_two_readers_could_understand_differently_is_refused() {
        for (json, why) in [
            (r#"{"a":1,"a":2}"#, DUPLICATE_MEMBER),
            (r#"[{"x":{"a":1,"\u0061":2}}]"#, DUPLICATE_MEMBER),
            ("[9007199254740993]", TOO_LARGE),
            ("-9007199254740993", TOO_LARGE),
            ("1152921504606846976", TOO_LARGE),
            ("18446744073709551615", TOO_LARGE),
            (r#"{"a":[12345678901234567890123]}"#, TOO_LARGE),
            (&"9".repeat(400), TOO_LARGE),
        ] {
            let refused = canonical(json).err().unwrap();
            assert!(refused.starts_with(why), "{json}: {refused}");
        }
        assert!(
            canonical("[9007199254740991, 1152921504606847000, 6.02e23, -0.5, 0, -0, true]")
                .is_ok()
        );
        // In a text it is no number.
        assert!(canonical(r#"["\" 12345678901234567890123"]"#).is_ok());
    }

    #[test]
    fn an_output_has_the_digest_of_each_of_its_forms() {
        let form = |json: &str, digested: &str| {
            let raw: &RawValue = serde_json::from_str(json).unwrap();
            Canonical::of(raw)
                .unwrap()
                .form_with_digest(raw, Digest::of(digested))
        };
        let text = r#""a\u0062""#;
        assert_eq!(form(text, text), Some("as_it_stood"));
        assert_eq!(form(text, r#""ab""#), Some("canonical"));
        assert_eq!(form(text, "ab"), Some("text"));
        assert_eq!(form(text, "abc"), None);
        assert_eq!(form("[1, 2]", "[1, 2]"), Some("as_it_stood"));
        assert_eq!(form("[1, 2]", "[1,2]"), Some("canonical"));
        assert_eq!(form("[1, 2]", "[1,3]"), None);
        let numbers = r#"{ "b": 1e30, "a": "x \" y" }"#;
        assert_eq!(form(numbers, r#"{"b":1e30,"a":"x \" y"}"#), Some("compact"));
        assert_eq!(
            form(numbers, r#"{"a":"x \" y","b":1e+30}"#),
            Some("canonical")
        );
        assert_eq!(form(numbers, r#"{"a":"x \" y","b":1e30}"#), None);
    }

    proptest! {
        #[test]
        fn the_canonical_form_is_its_own_canonical_form(names in proptest::collection::vec(".{0,8}", 0..6), number in any::<f64>()) {
            let object: serde_json::Map<String, Json> = names.into_iter().map(|name| (name, number.into())).collect();
            let once = canonical(&Json::from(object).to_string()).unwrap().bytes;
            let again = canonical(std::str::from_utf8(&once).unwrap()).unwrap().bytes;
            prop_assert_eq!(once, again);
        }
    }
}
