//! `comments.toml`: what every public object is.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::source;

/// The descriptions that an installation writes as `COMMENT ON`, and the reference page prints.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comments {
    /// Table or view to what it is.
    pub relations: BTreeMap<String, String>,
    /// Column to what it means in every relation.
    pub columns: BTreeMap<String, String>,
    /// `relation.column` to what it means there, instead of the above.
    pub relation_columns: BTreeMap<String, String>,
    /// Every granted function.
    pub functions: BTreeMap<String, FunctionComment>,
}

/// One function.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FunctionComment {
    /// What it does.
    pub does: String,
    /// One SQL statement that calls it; empty for functions that only the contract calls.
    pub example: String,
}

/// The descriptions that this program carries.
///
/// # Panics
/// Never in a build that passed its tests: the file is part of the program.
pub fn comments() -> &'static Comments {
    static COMMENTS: LazyLock<Comments> = LazyLock::new(|| {
        toml::from_str(source::comments_text()).expect("comments.toml is part of the program")
    });
    &COMMENTS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access;

    #[test]
    fn granted_functions_are_described_and_no_others() {
        let described: Vec<_> = comments().functions.keys().collect();
        let granted: Vec<_> = access().functions.keys().collect();
        assert_eq!(described, granted);
    }

    #[test]
    fn descriptions_are_sentences() {
        let comments = comments();
        let functions = comments.functions.values().map(|function| &function.does);
        let texts = comments.relations.values().chain(comments.columns.values());
        for text in texts
            .chain(comments.relation_columns.values())
            .chain(functions)
        {
            assert!(text.ends_with('.'), "{text}");
        }
    }
}
