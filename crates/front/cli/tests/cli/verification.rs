//! `verify`.

use crate::assert_answer;
use crate::support::Installation;

#[test]
fn a_ledger_that_was_only_written_through_the_contract_holds() {
    let installation = Installation::with_catalogue();
    installation.simulate(&["--key", "k"]).expect(0);
    installation.simulate(&["--key", "k"]).expect(0);
    installation
        .call(&[
            "run", "DOT_GZIP", "--mode", "simulate", "--status", "prepared",
        ])
        .expect(0);
    let report = installation.json(&["verify"]);
    let checks = report["checks"].as_array().unwrap();
    assert!(checks.len() > 10);
    assert!(checks.iter().all(|check| check["count"] == 0), "{report}");
}

#[test]
fn a_row_that_was_forged_around_the_contract_ends_with_1_and_is_named() {
    let installation = Installation::with_catalogue();
    let id = "01234567-0000-7000-8000-000000000005";
    installation.simulate(&["--run-id", id]).expect(0);
    installation.sql_as_superuser(&format!(
        "UPDATE dot.process_component_observation SET correlation_id = 'forged' WHERE process_run_id = '{id}'"
    ));
    let report = installation
        .call(&["verify", "--output", "json"])
        .expect(1)
        .json();
    let broken: Vec<&str> = report["checks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|check| check["count"] != 0)
        .map(|check| check["name"].as_str().unwrap())
        .collect();
    assert!(
        broken.contains(&"component_agrees_with_its_run"),
        "{broken:?}"
    );
    assert_answer!(installation.call(&["verify", "--sample", "1"]));
}

#[test]
fn verify_names_missing_privileges() {
    let answer = Installation::with_catalogue().call_as("dot_reader", &["verify"]);
    let answer = answer.expect(77);
    assert!(
        answer.messages.contains("dot_archiver"),
        "{}",
        answer.messages
    );
}

#[test]
fn without_a_ledger_there_is_nothing_to_judge() {
    Installation::empty().call(&["verify"]).expect(70);
}
