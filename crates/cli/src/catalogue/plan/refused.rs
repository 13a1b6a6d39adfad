//! Why the database would refuse something, in its own words' order: the first rule that is broken.

/// The refusal that would come.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused {
    /// Its code, as the contract spells it.
    pub(super) code: &'static str,
    pub(super) why: String,
}

impl Refused {
    pub(super) fn new(code: &'static str, why: impl Into<String>) -> Self {
        Self {
            code,
            why: why.into(),
        }
    }
}

/// Holds one rule.
pub(super) fn rule(
    holds: bool,
    code: &'static str,
    why: impl FnOnce() -> String,
) -> Result<(), Refused> {
    if holds {
        Ok(())
    } else {
        Err(Refused::new(code, why()))
    }
}

/// No text is longer than the limit, in characters.
pub(super) fn short_enough(limit: usize, texts: &[(&str, Option<&str>)]) -> Result<(), Refused> {
    texts.iter().try_for_each(|(name, text)| {
        let length = text.map_or(0, |text| text.chars().count());
        rule(length <= limit, "text_too_long", || {
            format!("{name} has {length} characters, the limit is {limit}")
        })
    })
}

/// Whether a text counts as missing.
pub(super) fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}
