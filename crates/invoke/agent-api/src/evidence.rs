//! Texts of a service on their way into the ledger.

/// A text that fits: at most so many characters, and none that PostgreSQL cannot store.
pub(crate) fn truncate(text: &str, characters: usize) -> String {
    text.chars()
        .take(characters)
        .map(|c| {
            if c == '\0' {
                char::REPLACEMENT_CHARACTER
            } else {
                c
            }
        })
        .collect()
}
