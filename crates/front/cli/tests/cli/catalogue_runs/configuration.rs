//! The pair of `catalogue/configuration.toml`.

use std::fs;

use super::pair_run::{
    CANDIDATE, Flip, Flips, Pair, Site, assert_runs_and_detects_change, text_of,
};

const FAMILY: &str = include_str!("../../../../../../catalogue/configuration.toml");

/// The file that is in place.
const TARGET: &str = "settings.json";

fn pair(site: &Site) -> Pair {
    let target = site.file(TARGET, "{\"port\": 1}\n");
    site.import(FAMILY, &[("/etc/application/settings.json", &target)]);
    Pair {
        producer: "DOT_CONFIG_INSTALL",
        input: site.file("new.json", "{\"port\": 2}\n"),
        // The brace of the file that was in place before.
        flips: Flips::both(Flip::At(0)),
    }
}

#[test]
fn configuration() {
    assert_runs_and_detects_change("python3", pair);
}

#[test]
fn configuration_has_a_way_back_and_a_bad_one_changes_nothing() {
    if super::pair_run::is_skipped("python3") {
        return;
    }
    let site = Site::new();
    let mut pair = pair(&site);
    let title = ["candidates", "set", CANDIDATE, "--title", "A test"];
    site.0.call(&title).expect(0);
    let declare = ["candidates", "pair", CANDIDATE, pair.producer];
    site.0.call(&declare).expect(0);
    let in_place = || fs::read_to_string(site.0.desk.folder().join(TARGET)).unwrap();

    let installed = site.run(&pair, "real-run");
    assert_eq!(in_place(), "{\"port\": 2}\n");
    // Somebody writes to it before it is checked.
    site.run_with_change(&pair, "real-run", |_output| {
        site.file(TARGET, "{\"port\": 3}\n");
    });
    let output = installed["producer"]["output_ref"].as_str().unwrap();
    pair.input = output.strip_prefix("file://").unwrap().to_owned();
    site.run(&pair, "real-run");
    assert_eq!(in_place(), "{\"port\": 1}\n");

    pair.input = text_of(&site.0.desk.file("bad.json", "{\"port\": "));
    let refused = site.0.call(&Site::arguments(&pair, "real-run")).expect(1);
    assert_eq!(refused.json()["error_ref"], "producer: exit_status");
    assert_eq!(in_place(), "{\"port\": 1}\n");
}
