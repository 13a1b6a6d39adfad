//! An id by its beginning: a person types as much of it as makes it clear.
use std::fmt;
use std::str::FromStr;

use serde_json::json;
use uuid::Uuid;

use crate::exit_status::ExitStatus;
use crate::failure::Failure;

/// The beginning of an id, or all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IdPrefix {
    /// Hexadecimal digits in lower case, at least one.
    digits: String,
}

/// How many candidates an ambiguous beginning is refused with.
pub(crate) const MAX_CANDIDATES: u32 = 5;

const ID_DIGITS: usize = 32;

/// Where a written id has its dashes.
const DASHES: [usize; 4] = [8, 13, 18, 23];

impl IdPrefix {
    /// The lowest and the highest id with this beginning.
    pub(crate) fn bounds(&self) -> (Uuid, Uuid) {
        let filled = |digit: char| {
            let text: String = self
                .digits
                .chars()
                .chain(std::iter::repeat(digit))
                .take(ID_DIGITS)
                .collect();
            u128::from_str_radix(&text, 16).map_or(Uuid::nil(), Uuid::from_u128)
        };
        (filled('0'), filled('f'))
    }

    /// The only one of what was found with this beginning; none: nothing was found.
    ///
    /// # Errors
    /// Several were found.
    pub(crate) fn only_one<Row>(
        &self,
        found: Vec<Row>,
        code: &str,
        id: impl Fn(&Row) -> String,
    ) -> Result<Option<Row>, Failure> {
        if found.len() < 2 {
            return Ok(found.into_iter().next());
        }
        let max = MAX_CANDIDATES as usize;
        let candidates: Vec<String> = found.iter().take(max).map(id).collect();
        let more = if found.len() > max { ", and more" } else { "" };
        let message = format!(
            "several ids begin with {self}: {}{more}",
            candidates.join(", ")
        );
        Err(Failure::new(ExitStatus::Usage, code, message)
            .hint("give more of the id")
            .detail(json!({ "candidates": candidates })))
    }
}

impl fmt::Display for IdPrefix {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hyphenated(&self.digits))
    }
}

/// The digits as an id is written.
fn hyphenated(digits: &str) -> String {
    let mut text = String::new();
    for digit in digits.chars() {
        if DASHES.contains(&text.len()) {
            text.push('-');
        }
        text.push(digit);
    }
    text
}

impl FromStr for IdPrefix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let lower = text.to_ascii_lowercase();
        let digits = lower.replace('-', "");
        let is_hexadecimal = digits.chars().all(|digit| digit.is_ascii_hexdigit());
        let is_written_so = lower == digits || lower.trim_end_matches('-') == hyphenated(&digits);
        if digits.is_empty() || digits.len() > ID_DIGITS || !is_hexadecimal || !is_written_so {
            return Err("neither an id nor the beginning of one".to_owned());
        }
        Ok(Self { digits })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_is_read_with_and_without_dashes() {
        for text in ["0192F0aa-1", "0192f0aa1", "0192f0aa-1b2c-7", "0192f0aa-"] {
            let prefix: IdPrefix = text
                .parse()
                .unwrap_or_else(|error| panic!("{text}: {error}"));
            let (first, last) = prefix.bounds();
            let begins = |id: Uuid| {
                id.to_string()
                    .starts_with(text.to_ascii_lowercase().as_str())
            };
            let begins_simple = |id: Uuid| id.simple().to_string().starts_with(&prefix.digits);
            assert!(begins_simple(first) && begins_simple(last));
            assert!(!text.contains('-') || begins(first) && begins(last));
        }
        for text in [
            "",
            "-",
            "0-1",
            "g",
            "last",
            "0192f0aa1b2c7000800000000000000000",
        ] {
            assert!(text.parse::<IdPrefix>().is_err(), "{text}");
        }
    }
}
