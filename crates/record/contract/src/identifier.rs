//! Names that become part of SQL text.

use crate::InstallError;

/// Quotes a name for SQL, so that it means itself whatever it contains.
pub(crate) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Quotes a text for SQL. Backslashes mean themselves: `standard_conforming_strings` is set by the script.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A schema or a role prefix that PostgreSQL can hold, with room for the longest suffix.
pub(crate) fn check(what: &'static str, name: &str, longest: usize) -> Result<(), InstallError> {
    let wrong = if name.trim().is_empty() {
        "is blank"
    } else if name.len() > longest {
        "is too long"
    } else if name.contains('\0') {
        "contains a NUL"
    } else if name.starts_with("pg_") {
        "begins with pg_, which PostgreSQL keeps for itself"
    } else {
        return Ok(());
    };
    Err(InstallError::InvalidName {
        what,
        name: name.to_owned(),
        wrong,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting_keeps_hostile_names_whole() {
        assert_eq!(quote(r#"a"b"#), r#""a""b""#);
        assert_eq!(literal("it's"), "'it''s'");
    }

    #[test]
    fn names_that_can_not_be_schemas_are_refused() {
        for name in ["", "  ", "pg_dot", "a\0b", &"x".repeat(64)] {
            assert!(check("schema", name, 63).is_err(), "{name:?}");
        }
        assert!(check("schema", "Team \"A\"", 63).is_ok());
    }
}
