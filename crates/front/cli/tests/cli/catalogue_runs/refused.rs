//! Catalogue pairs that are not executed: a host that is not allowed, and closed gates.

use super::pair_run::{Site, text_of};
use crate::support::Installation;

/// The contract names the endpoint; the allowed hosts are a setting of the runner.
#[test]
fn the_pilot_is_refused_until_its_host_is_allowed() {
    let site = Site::new();
    let run = [
        "run",
        "DOT_KG_EXPLAIN",
        "--mode",
        "dry-run",
        "--runs-folder",
        "runs",
    ];
    let refused = site.0.call(&[&run[..], &["--output", "json"]].concat());
    assert_eq!(refused.failure()["code"], "host_not_allowed");
    assert_ne!(refused.status, 0);
}

#[test]
fn registered_pair_is_refused_while_gates_are_closed() {
    let installation = Installation::with_catalogue();
    let input = text_of(&installation.desk.file("a", "a"));
    let refused = installation.call(&["run", "DOT_GZIP", "--mode", "dry-run", "--input", &input]);
    assert_eq!(refused.status, 3, "{}", refused.messages);
    let gates = installation.call(&["gates", "--output", "json"]).expect(0);
    assert_eq!(gates.json()["posture"], "NO_EXECUTE");
}
