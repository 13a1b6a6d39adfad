//! Texts of a contract with places for what is only known at the call: `{input}`, `{output}`.
//!
//! A place is filled inside its own text and never split, so a value with blanks, quotes or a semicolon stays one
//! argument. Braces that are meant are written twice, `{{` and `}}`.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use serde_json::Value as Json;

/// What stands for each name.
pub type Values = BTreeMap<Cow<'static, str>, String>;

/// A text with places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Segment>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Text(String),
    Place(String),
}

/// Why a template cannot be read or filled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A brace without its partner.
    #[error("`{0}` has a brace without its partner; one that is meant is written twice")]
    Brace(String),
    /// A name that nothing stands for.
    #[error("nothing stands for `{{{0}}}` here")]
    Unknown(String),
}

/// For people: a brace that is meant is not written twice.
impl fmt::Display for Template {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|piece| match piece {
            Segment::Text(text) => formatter.write_str(text),
            Segment::Place(name) => write!(formatter, "{{{name}}}"),
        })
    }
}

impl Template {
    /// Reads a text.
    ///
    /// # Errors
    /// [`TemplateError::Brace`].
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let unpaired = || TemplateError::Brace(text.to_owned());
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                '{' | '}' if characters.next_if_eq(&character).is_some() => plain.push(character),
                '}' => return Err(unpaired()),
                '{' => {
                    let mut name = String::new();
                    loop {
                        match characters.next().ok_or_else(unpaired)? {
                            '}' => break,
                            '{' => return Err(unpaired()),
                            other => name.push(other),
                        }
                    }
                    if !plain.is_empty() {
                        pieces.push(Segment::Text(std::mem::take(&mut plain)));
                    }
                    pieces.push(Segment::Place(name));
                }
                other => plain.push(other),
            }
        }
        if !plain.is_empty() {
            pieces.push(Segment::Text(plain));
        }
        Ok(Self(pieces))
    }

    /// The names it has places for.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Segment::Place(name) => Some(name.as_str()),
            Segment::Text(_) => None,
        })
    }

    /// What is in it beside its places.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Segment::Text(text) => Some(text.as_str()),
            Segment::Place(_) => None,
        })
    }

    /// Whether it begins with what stands for a name, so that the value decides how the text begins.
    pub fn starts_with_placeholder(&self) -> bool {
        matches!(self.0.first(), Some(Segment::Place(_)))
    }

    /// The text with its places filled.
    ///
    /// # Errors
    /// [`TemplateError::Unknown`].
    pub fn fill(&self, values: &Values) -> Result<String, TemplateError> {
        self.0
            .iter()
            .map(|piece| match piece {
                Segment::Text(text) => Ok(text.as_str()),
                Segment::Place(name) => values
                    .get(name.as_str())
                    .map(String::as_str)
                    .ok_or_else(|| TemplateError::Unknown(name.clone())),
            })
            .collect()
    }

    /// Fills every text inside a JSON value; the names of members stay as they are.
    ///
    /// # Errors
    /// As [`Template::parse`] and [`Template::fill`].
    pub fn fill_json(json: &Json, values: &Values) -> Result<Json, TemplateError> {
        Ok(match json {
            Json::String(text) => Json::String(Self::parse(text)?.fill(values)?),
            Json::Array(items) => items
                .iter()
                .map(|item| Self::fill_json(item, values))
                .collect::<Result<_, _>>()?,
            Json::Object(members) => members
                .iter()
                .map(|(name, item)| Ok((name.clone(), Self::fill_json(item, values)?)))
                .collect::<Result<_, _>>()?,
            other => other.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn values() -> Values {
        Values::from([
            ("input".into(), "a b; c".to_owned()),
            ("output".into(), "/x".to_owned()),
        ])
    }

    #[test]
    fn places_are_filled_and_never_split() {
        let filled = |text: &str| Template::parse(text).unwrap().fill(&values());
        assert_eq!(
            filled("--file={output}/{input}").unwrap(),
            "--file=/x/a b; c"
        );
        assert_eq!(filled("{{input}}").unwrap(), "{input}");
        assert_eq!(filled("plain").unwrap(), "plain");
        assert_eq!(
            filled("{nothing}"),
            Err(TemplateError::Unknown("nothing".into()))
        );
    }

    #[test]
    fn a_value_is_not_read_as_a_template_again() {
        let sly = Values::from([("input".into(), "{output}".to_owned())]);
        assert_eq!(
            Template::parse("{input}").unwrap().fill(&sly).unwrap(),
            "{output}"
        );
    }

    #[test]
    fn a_lonely_brace_is_an_error() {
        for text in ["{", "}", "a{b", "a}b", "{a{b}}"] {
            assert!(Template::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn json_is_filled_inside() {
        let json = json!({"path": "{output}", "list": ["{input}", 1, null]});
        let filled = Template::fill_json(&json, &values()).unwrap();
        assert_eq!(filled, json!({"path": "/x", "list": ["a b; c", 1, null]}));
    }
}
