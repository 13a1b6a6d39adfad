//! Outputs as bytes: what they are kept as, and which digests are theirs.

use std::{collections::HashSet, fmt};

use dotwrap_invoke::Digest;
use serde::{
    Deserializer,
    de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Value as Json, value::RawValue};

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
        let mut reader = serde_json::Deserializer::from_str(output.get());
        Unambiguous
            .deserialize(&mut reader)
            .map_err(|error| ambiguity(&error))?;
        let value: Json = serde_json::from_str(output.get()).map_err(|error| ambiguity(&error))?;
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

    /// As what an output has this digest, if as anything: `as_it_stood`, `canonical` or `text`.
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
        let canonical = serde_json_canonicalizer::to_vec(&self.value).ok()?;
        (Digest::of(canonical) == digest).then_some("canonical")
    }
}

/// Messages of ours are passed on; those of the parser may quote what stood there.
fn ambiguity(error: &serde_json::Error) -> String {
    let text = error.to_string();
    [TWICE, TOO_LARGE]
        .into_iter()
        .find(|known| text.starts_with(known))
        .map_or_else(
            || "it can not be read".to_owned(),
            |known| format!("{known}, at column {}", error.column()),
        )
}

const TWICE: &str = "a member is there twice";
const TOO_LARGE: &str = "an integer is larger than a double can hold";

/// To the canonical form, and to most readers, numbers are doubles: an integer that comes out of one as another would be
/// digested as what it is not.
fn is_kept<E: Error>(integer: impl ToString, double: f64) -> Result<(), E> {
    let canonical = serde_json_canonicalizer::to_string(&double).map_err(E::custom)?;
    if canonical == integer.to_string() {
        Ok(())
    } else {
        Err(E::custom(TOO_LARGE))
    }
}

/// Walks through a JSON text and keeps nothing of it.
#[derive(Clone, Copy)]
struct Unambiguous;

impl<'de> DeserializeSeed<'de> for Unambiguous {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unambiguous {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            if !seen.insert(name) {
                return Err(A::Error::custom(TWICE));
            }
            members.next_value_seed(self)?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(self)?.is_some() {}
        Ok(())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        is_kept(number, number as f64)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        is_kept(number, number as f64)
    }

    /// Every reader makes the same double of it.
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
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
            (r#"{"a":1,"a":2}"#, TWICE),
            (r#"[{"x":{"a":1,"\u0061":2}}]"#, TWICE),
            ("[9007199254740993]", TOO_LARGE),
            ("-9007199254740993", TOO_LARGE),
            ("1152921504606846976", TOO_LARGE),
            ("18446744073709551615", TOO_LARGE),
        ] {
            let refused = canonical(json).err().unwrap();
            assert!(refused.starts_with(why), "{json}: {refused}");
        }
        assert!(canonical("[9007199254740991, 1152921504606847000, 6.02e23, -0.5, 0]").is_ok());
    }

    #[test]
    fn a_text_has_three_digests_and_anything_else_two() {
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
