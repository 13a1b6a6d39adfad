//! Gates are opened by somebody, for a time, for a reason, and by nothing else.

use super::site::{Pair, Site, until};

fn posture(site: &Site) -> String {
    let gates = site.0.json(&["gates"]);
    gates["posture"].as_str().unwrap().to_owned()
}

#[test]
fn a_run_opens_no_gate_and_says_which_are_closed() {
    let site = Site::closed(&Pair::of_producer("echo > '{output}'"));
    let refused = site.run("real-run", &[]).expect(3).failure();
    assert_eq!(refused["code"], "real_run_disabled");
    let hint = refused["hint"].as_str().unwrap();
    for gate in [
        "operator_runtime_enabled",
        "execute_enabled",
        "dry_run_only",
        "real_run_enabled",
    ] {
        let command = format!("dotwrap gates open {gate} --for 15m --reason");
        assert!(hint.contains(&command), "{hint}");
    }
    let refused = site.run("dry-run", &[]).expect(3).failure();
    assert_eq!(refused["code"], "no_execute");
    let hint = refused["hint"].as_str().unwrap();
    assert!(hint.contains("gates open execute_enabled"), "{hint}");
    assert!(
        !hint.contains("real_run_enabled"),
        "a dry run does not need it: {hint}"
    );

    let history = site
        .0
        .call(&["gates", "history", "--output", "json"])
        .expect(0);
    assert_eq!(history.json(), serde_json::json!([]));
    assert_eq!(site.runs().len(), 0);
}

#[test]
fn a_hint_names_only_the_gates_that_are_closed_still() {
    let site = Site::with(&Pair::of_producer("echo > '{output}'"));
    site.0
        .call(&["gates", "close", "real_run_enabled", "--reason", "a test"])
        .expect(0);
    let refused = site.run("real-run", &[]).expect(3).failure();
    let hint = refused["hint"].as_str().unwrap();
    assert_eq!(hint.matches("dotwrap gates open").count(), 1, "{hint}");
    assert!(hint.contains("gates open real_run_enabled"), "{hint}");
    site.run("dry-run", &[]).expect(0);
}

#[test]
fn a_gate_is_opened_for_a_time_or_explicitly_without_end_and_for_a_reason() {
    let site = Site::closed(&Pair::default());
    let open = ["gates", "open", "execute_enabled"];
    site.0
        .call(&[&open[..], &["--reason", "r"]].concat())
        .expect(2);
    site.0
        .call(&[&open[..], &["--for", "15m"]].concat())
        .expect(2);
    let both = ["--for", "15m", "--without-end", "--reason", "r"];
    site.0.call(&[&open[..], &both].concat()).expect(2);
    assert_eq!(posture(&site), "NO_EXECUTE");
    site.0
        .call(&[&open[..], &["--without-end", "--reason", "r"]].concat())
        .expect(0);
}

#[test]
fn the_clock_closes_what_was_opened_for_a_time() {
    let site = Site::closed(&Pair::of_producer("echo > '{output}'"));
    site.0
        .call(&[
            "gates",
            "open",
            "operator_runtime_enabled",
            "--for",
            "10m",
            "--reason",
            "r",
        ])
        .expect(0);
    site.0
        .call(&[
            "gates",
            "open",
            "execute_enabled",
            "--for",
            "1s",
            "--reason",
            "r",
        ])
        .expect(0);
    until(|| (posture(&site) == "NO_EXECUTE").then_some(()));
    let refused = site.run("dry-run", &[]).expect(3).failure();
    assert_eq!(refused["code"], "no_execute");
    let shown = site.0.call(&["gates"]).expect(0).output;
    assert!(shown.contains("closed: expired"), "{shown}");
}
