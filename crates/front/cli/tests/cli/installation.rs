//! `install` and `doctor`.

use crate::assert_answer;
use crate::support::Installation;

/// Roles are the server's: each test's have a prefix of their own.
fn install(installation: &Installation, words: &[&str]) -> crate::support::Answer {
    let prefix = installation.database.role_prefix();
    installation.call(&[&["install", "--role-prefix", prefix], words].concat())
}

#[test]
fn the_second_install_finds_nothing_to_do() {
    let installation = Installation::empty();
    assert_answer!(install(&installation, &[]));
    let again = install(&installation, &["--output", "json"])
        .expect(0)
        .json();
    assert_eq!(again["action"], "current");
}

#[test]
fn a_dry_run_prints_sql_that_installs_and_changes_nothing() {
    let installation = Installation::empty();
    let script = install(&installation, &["--dry-run"]).expect(0).output;
    installation.call(&["status"]).expect(70);
    installation.sql(&script);
    let again = install(&installation, &["--output", "json"])
        .expect(0)
        .json();
    assert_eq!(again["action"], "current");
}

#[test]
fn an_installation_without_roles_says_so_loudly() {
    let installation = Installation::empty();
    let answer = installation.call(&["install", "--no-roles"]).expect(0);
    assert!(
        answer.messages.contains("WITHOUT ROLES"),
        "{}",
        answer.messages
    );
    installation
        .call(&["tools", "import", "--sample"])
        .expect(0);
    installation.simulate(&[]).expect(0);
}

#[test]
fn any_schema_will_do() {
    let installation = Installation::empty();
    let schema = "Team \"A\" ledger";
    install(&installation, &["--schema", schema]).expect(0);
    installation
        .call(&["--schema", schema, "tools", "import", "--sample"])
        .expect(0);
    installation
        .call(&[
            "--schema",
            schema,
            "run",
            "DOT_SHA256SUM",
            "--mode",
            "simulate",
        ])
        .expect(0);
}

#[test]
fn a_schema_that_holds_something_else_is_left_alone() {
    let installation = Installation::empty();
    installation.sql("CREATE SCHEMA dot; CREATE TABLE dot.mine (a int)");
    let failure = install(&installation, &["--output", "json"])
        .expect(2)
        .failure();
    assert_eq!(failure["code"], "schema_occupied");
}

#[test]
fn a_whole_installation_has_nothing_to_mend() {
    assert_answer!(Installation::with_catalogue().call(&["doctor"]));
}

#[test]
fn a_missing_contract_is_a_problem_with_a_remedy() {
    let answer = Installation::empty().call(&["doctor"]).expect(1);
    assert!(
        answer.output.contains("dotwrap install"),
        "{}",
        answer.output
    );
}

#[test]
fn a_blocking_check_is_a_problem() {
    let installation = Installation::with_catalogue();
    installation.sql(
        "CREATE FUNCTION public.always_one() RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint';
         SELECT dot.fn_dot_preflight_check_set('always_one', 'public.always_one', 'tester')",
    );
    let report = installation
        .call(&["doctor", "--output", "json"])
        .expect(1)
        .json();
    let problem = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|finding| finding["severity"] == "problem")
        .unwrap();
    assert_eq!(problem["name"], "preflight");
    assert!(
        problem["why"].is_string() && problem["mend"].is_string(),
        "{problem}"
    );
}

#[test]
fn a_login_that_only_reads_gets_a_diagnosis_too() {
    let installation = Installation::with_catalogue();
    let answer = installation.call_as("dot_reader", &["doctor", "--output", "json"]);
    assert!(
        [0, 1].contains(&answer.status),
        "{}{}",
        answer.output,
        answer.messages
    );
    let findings = answer.json()["findings"].clone();
    assert!(
        findings
            .as_array()
            .unwrap()
            .iter()
            .any(|finding| finding["name"] == "server"),
        "{findings}"
    );
}

#[test]
fn a_repair_puts_back_what_was_dropped() {
    let installation = Installation::empty();
    install(&installation, &[]).expect(0);
    installation.sql_as_superuser("DROP VIEW dot.v_process_run CASCADE");
    installation.call(&["runs", "ls"]).expect(70);
    let repaired = install(&installation, &["--repair", "--output", "json"])
        .expect(0)
        .json();
    assert_eq!(repaired["action"], "repaired");
    installation.call(&["runs", "ls"]).expect(0);
}
