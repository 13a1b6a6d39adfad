//! The queries in the form that is sent: every name is unambiguous, whatever objects the schema's owner created.
//!
//! A query names the ledger's tables and views as `ledger.<name>`, its schema as `ledger_oid` and `ledger_name`, and
//! the release's manifest as `ledger_release`. Everything else is looked up in `pg_catalog` only: with the schema in
//! the search path, a function, operator or type of its owner could be a better match.

use std::fmt::Write as _;

/// The replacements of a query's names.
#[derive(Debug)]
pub(crate) struct Names {
    /// The schema's name, quoted as an identifier.
    quoted: String,
    values: [(&'static str, String); 4],
}

impl Names {
    pub(crate) fn new(schema: &str, oid: u32, release: &str) -> Self {
        let quoted = format!("\"{}\"", schema.replace('"', "\"\""));
        let values = [
            ("ledger_oid", format!("'{oid}'::pg_catalog.oid")),
            (
                "ledger_name",
                format!("{}::pg_catalog.text", literal(schema)),
            ),
            (
                "ledger_pattern",
                format!("{}::pg_catalog.text", literal(&pattern(schema))),
            ),
            (
                "ledger_release",
                format!("{}::pg_catalog.text", literal(release)),
            ),
        ];
        Self { quoted, values }
    }

    /// The query with its names replaced.
    pub(crate) fn render(&self, question: &str) -> String {
        let mut text = String::with_capacity(question.len());
        for piece in pieces(question) {
            match piece {
                Piece::Relation(name) => {
                    let _ = write!(text, "{}.{name}", self.quoted);
                }
                Piece::Word(word) => {
                    let value = self.values.iter().find(|(name, _)| *name == word);
                    text.push_str(value.map_or(word, |(_, value)| value));
                }
                Piece::Other(other) => text.push_str(other),
            }
        }
        text
    }
}

/// The tables and views of the ledger that a query reads.
pub(crate) fn relations(question: &str) -> impl Iterator<Item = &str> {
    pieces(question).filter_map(|piece| match piece {
        Piece::Relation(name) => Some(name),
        Piece::Word(_) | Piece::Other(_) => None,
    })
}

enum Piece<'a> {
    /// What follows `ledger.`.
    Relation(&'a str),
    Word(&'a str),
    /// What is between words, and comments.
    Other(&'a str),
}

fn pieces(question: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = question;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (piece, length) = next(rest);
        rest = &rest[length..];
        Some(piece)
    })
}

fn next(text: &str) -> (Piece<'_>, usize) {
    if text.starts_with("--") {
        let end = text.find('\n').unwrap_or(text.len());
        return (Piece::Other(&text[..end]), end);
    }
    let word = word(text);
    if word.is_empty() {
        let end = text.chars().next().map_or(0, char::len_utf8);
        return (Piece::Other(&text[..end]), end);
    }
    let relation = text[word.len()..].strip_prefix('.').map(self::word);
    match relation.filter(|name| word == "ledger" && !name.is_empty()) {
        Some(name) => (Piece::Relation(name), word.len() + 1 + name.len()),
        None => (Piece::Word(word), word.len()),
    }
}

fn word(text: &str) -> &str {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    &text[..end.unwrap_or(text.len())]
}

/// A text as it stands in SQL while `standard_conforming_strings` is on.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The schema's name, as `quote_ident` writes it, as a regular expression.
fn pattern(schema: &str) -> String {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let mut pattern = String::new();
    for c in schema.chars() {
        if c == '"' {
            pattern.push('"');
        } else if c.is_ascii() && !c.is_ascii_alphanumeric() && c != '_' {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    if schema.starts_with(|c: char| !c.is_ascii_digit()) && schema.chars().all(is_plain) {
        // A key word is quoted too.
        format!("\"?{pattern}\"?")
    } else {
        format!("\"{pattern}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_relations_and_the_schema_are_replaced() {
        let names = Names::new("Te'am", 7, "a'b");
        let question = "-- ledger.x\nSELECT 'the ledger. It' FROM ledger.dot_config c WHERE a = ledger_oid AND ledger_name = my_ledger_oid";
        assert_eq!(
            names.render(question),
            "-- ledger.x\nSELECT 'the ledger. It' FROM \"Te'am\".dot_config c WHERE a = '7'::pg_catalog.oid AND 'Te''am'::pg_catalog.text = my_ledger_oid"
        );
        assert_eq!(relations(question).collect::<Vec<_>>(), ["dot_config"]);
    }

    #[test]
    fn a_schema_is_a_pattern_of_itself() {
        assert_eq!(pattern("dot"), "\"?dot\"?");
        assert_eq!(pattern("Team \"7\"; é"), r#""Team\ ""7""\;\ é""#);
    }
}
