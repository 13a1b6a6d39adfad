//! From a fixture as it is written to one with its text.
use dotwrap_app::Problem;
use dotwrap_wrapper::FixtureDefinition;

use crate::FileSource;
use crate::entry::{Entry, RawFixture, fixture};

/// Reads what a fixture's entry refers to.
pub(crate) fn read(
    entry: Entry<RawFixture>,
    beside: &FileSource,
) -> Result<Entry<FixtureDefinition>, Problem> {
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
        Err(why) => Err(Problem::usage(format!("{place}: {fixture_ref}: {why}"))),
    }
}
