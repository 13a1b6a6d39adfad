//! Pairs of `catalogue/copies.toml`.

use super::pair_run::{Flip, Flips, Pair, assert_runs_and_detects_change, text_of};

const COPIES: &str = include_str!("../../../../../../catalogue/copies.toml");

#[test]
fn tar() {
    assert_runs_and_detects_change("tar", |site| {
        site.numbers();
        Pair {
            producer: "DOT_TAR_CREATE",
            input: text_of(&site.0.desk.folder().join("in")),
            flips: Flips::both(Flip::Percent(50)),
        }
    });
}

#[test]
fn rsync() {
    assert_runs_and_detects_change("rsync", |site| {
        site.import_fetched(COPIES, "rsync", &[]);
        site.numbers();
        Pair {
            producer: "DOT_RSYNC_MIRROR",
            input: text_of(&site.0.desk.folder().join("in")),
            flips: Flips::both(Flip::In("numbers")),
        }
    });
}
