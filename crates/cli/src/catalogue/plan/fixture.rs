//! What becomes of a fixture.

use dotwrap_wrapper::Fixture;
use serde::de::IgnoredAny;

use super::refused::{Refused, is_blank, rule, short_enough};
use super::{Change, Kind, differing};
use crate::catalogue::FixtureEntry;

pub(super) fn change(entry: &FixtureEntry, kept: &[Fixture]) -> Change {
    let there = kept
        .iter()
        .find(|there| there.fixture_ref == entry.fixture_ref);
    Change::found(
        Kind::Fixture,
        &entry.fixture_ref,
        judged(entry),
        there.map(|there| differing([("sha256", there.sha256 != entry.sha256())])),
    )
}

fn judged(entry: &FixtureEntry) -> Result<(), Refused> {
    let is_there = !is_blank(&entry.fixture_ref) && !is_blank(&entry.text);
    rule(is_there, "fixture_missing", || {
        "a fixture has a reference and a body".to_owned()
    })?;
    short_enough(200, &[("fixture_ref", Some(&entry.fixture_ref))])?;
    serde_json::from_str::<IgnoredAny>(&entry.text)
        .map(drop)
        .map_err(|error| Refused::new("contract_invalid", format!("its body is not JSON: {error}")))
}
