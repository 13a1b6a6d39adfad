//! From a fixture as it is written to one with its text.

use dotwrap_wrapper::FixtureDefinition;

use super::FileSource;
use super::entry::{Entry, RawFixture, fixture};
use crate::failure::Failure;

/// Reads what a fixture's entry refers to.
pub(super) fn read(
    entry: Entry<RawFixture>,
    beside: &FileSource,
) -> Result<Entry<FixtureDefinition>, Failure> {
    let Entry { place, said } = entry;
    let text = match (&said.file, &said.body) {
        (Some(file), None) => beside.text(file),
        (None, Some(body)) => Ok(body.to_string()),
        _ => Err("a fixture has either a file or a body".to_owned()),
    };
    let fixture_ref = said.fixture_ref;
    match text {
        Ok(text) => Ok(Entry {
            place,
            said: fixture(fixture_ref, text),
        }),
        Err(why) => Err(Failure::usage(format!("{place}: {fixture_ref}: {why}"))),
    }
}
