//! Pairs of `catalogue/compression.toml`.

use super::pair_run::{Flip, Flips, Pair, assert_runs_and_detects_change};

#[test]
fn gzip() {
    assert_runs_and_detects_change("gzip", |site| Pair {
        producer: "DOT_GZIP",
        input: site.numbers(),
        flips: Flips::both(Flip::Percent(50)),
    });
}

#[test]
fn zstd() {
    assert_runs_and_detects_change("zstd", |site| Pair {
        producer: "DOT_ZSTD",
        input: site.numbers(),
        flips: Flips::both(Flip::Percent(50)),
    });
}

#[test]
fn xz() {
    assert_runs_and_detects_change("xz", |site| Pair {
        producer: "DOT_XZ",
        input: site.numbers(),
        flips: Flips::both(Flip::Percent(50)),
    });
}
