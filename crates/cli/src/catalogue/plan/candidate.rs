//! What becomes of a candidate.

use dotwrap_wrapper::Candidate;

use super::refused::{Refused, is_blank, rule, short_enough};
use super::{Change, Kind, differing};
use crate::catalogue::CandidateEntry;

pub(super) fn change(entry: &CandidateEntry, registered: &[Candidate]) -> Change {
    let there = registered
        .iter()
        .find(|there| there.process_candidate_code.as_ref() == entry.code);
    Change::found(
        Kind::Candidate,
        &entry.code,
        judged(entry),
        there.map(|there| differences(entry, there)),
    )
}

fn judged(entry: &CandidateEntry) -> Result<(), Refused> {
    rule(!is_blank(&entry.code), "candidate_required", || {
        "the candidate's code is missing".to_owned()
    })?;
    let names = [
        ("process_candidate_code", Some(entry.code.as_str())),
        ("owner", entry.owner.as_deref()),
    ];
    short_enough(200, &names)?;
    short_enough(2000, &[("title", entry.title.as_deref())])
}

/// What is left out stays as it is; a blank owner takes the owner away.
fn differences(entry: &CandidateEntry, there: &Candidate) -> Vec<&'static str> {
    let title = entry.title.as_ref();
    let owner = entry.owner.as_ref();
    let owner = owner.map(|owner| Some(owner).filter(|owner| !is_blank(owner)));
    differing([
        ("title", title.is_some_and(|title| *title != there.title)),
        (
            "owner",
            owner.is_some_and(|owner| owner != there.owner.as_ref()),
        ),
    ])
}
