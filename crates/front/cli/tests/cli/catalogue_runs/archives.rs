//! The pair of `catalogue/archives.toml`.

use super::pair_run::{Flip, Flips, Pair, Site, assert_runs_and_detects_change, text_of};

fn pair(site: &Site) -> Pair {
    site.numbers();
    site.file("in/a folder/with a file", "of its own\n");
    Pair {
        producer: "DOT_TAR_GZ_CREATE",
        input: text_of(&site.0.desk.folder().join("in")),
        flips: Flips::both(Flip::Percent(50)),
    }
}

#[test]
fn tar_gz() {
    assert_runs_and_detects_change("tar", pair);
}

#[test]
fn tar_gz_without_a_file_of_its_folder_fails() {
    let site = Site::new();
    let pair = pair(&site);
    site.run_with_change(&pair, "dry-run", |_output| {
        site.file("in/late", "not in the archive\n");
    });
    site.run(&pair, "dry-run");
}
