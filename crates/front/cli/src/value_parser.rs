//! Words of the contract as arguments: the library's own lists, so that help, completions and checks cannot drift from
//! it.
use std::str::FromStr;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use strum::VariantArray;

/// Takes one of an enum's words.
pub(crate) fn one_of<Word>() -> impl TypedValueParser<Value = Word>
where
    Word: VariantArray + AsRef<str> + FromStr + Clone + Send + Sync + 'static,
{
    let words = Word::VARIANTS.iter().map(AsRef::as_ref);
    PossibleValuesParser::new(words)
        .try_map(|text| text.parse::<Word>().map_err(|_| UnknownValue(text)))
}

/// Cannot happen behind the list of possible values; said rather than assumed.
#[derive(Debug, thiserror::Error)]
#[error("'{0}' is not a word of the contract")]
struct UnknownValue(String);
