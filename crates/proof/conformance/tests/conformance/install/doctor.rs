//! Each problem of an installation is a finding, however damaged the installation is.

use dotwrap_contract::{Finding, Severity, apply, diagnose};
use rstest_reuse::apply as on;

use super::{options, repairing, works};
use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::{Backend, Call, TestContext, execute, rows, text};

const NAMES: [&str; 9] = [
    "server",
    "contract",
    "objects",
    "cluster",
    "roles",
    "preflight",
    "gates",
    "leases",
    "transactions",
];

fn named<'a>(findings: &'a [Finding], name: &str) -> &'a Finding {
    let mut found = findings.iter().filter(|finding| finding.name == name);
    let finding = found.next().unwrap_or_else(|| panic!("no {name}"));
    assert!(found.next().is_none(), "twice: {name}");
    finding
}

/// Exactly these looks met a problem, and all the others were made.
fn assert_problems(findings: &[Finding], expected: &[&str], what: &str) {
    assert_eq!(findings.len(), NAMES.len(), "{what}");
    for name in NAMES {
        let finding = named(findings, name);
        assert_eq!(
            finding.severity == Severity::Problem,
            expected.contains(&name),
            "{what}: {finding:?}"
        );
        let explained = !finding.why.is_empty() && !finding.mend.is_empty();
        assert_eq!(explained, finding.severity != Severity::Fine, "{finding:?}");
    }
}

#[on(on_each_backend)]
async fn doctor_finds_no_problem_and_keeps_session_settings(backend: Backend) {
    let stage = TestContext::empty(backend).await;
    let owner = stage.installer().await;
    apply(&owner, &options(&stage)).await.unwrap();
    works(&owner, "dot").await;
    let findings = diagnose(&owner, "dot").await.unwrap();
    assert_problems(&findings, &[], "sound");
    assert_eq!(
        text(&owner, "SELECT current_setting('statement_timeout')").await,
        "0"
    );
}

#[on(on_each_version)]
async fn each_missing_object_or_privilege_is_a_separate_finding(backend: Backend) {
    for (broken, problems) in [
        ("DROP FUNCTION dot.fn_dot_preflight()", vec!["preflight"]),
        ("ALTER VIEW dot.v_dot_gate RENAME TO v_away", vec!["gates"]),
        (
            "ALTER VIEW dot.v_dot_lease RENAME COLUMN state TO was_state",
            vec!["leases"],
        ),
        (
            "REVOKE EXECUTE ON FUNCTION dot.fn_dot_preflight() FROM PUBLIC, ROLE_reader; REVOKE SELECT ON dot.v_dot_lease FROM ROLE_reader",
            vec!["preflight", "leases"],
        ),
    ] {
        let stage = TestContext::empty(backend).await;
        let (owner, options) = (stage.installer().await, options(&stage));
        apply(&owner, &options).await.unwrap();
        let broken = broken.replace("ROLE_", &format!("{}_", options.role_prefix));
        execute(&stage.superuser().await, &broken).await;
        let findings = diagnose(&owner, "dot").await.unwrap();
        assert_problems(&findings, &problems, &broken);
        for problem in problems {
            let mend = &named(&findings, problem).mend;
            assert!(mend.contains("install --repair"), "{mend}");
        }
    }
}

#[on(on_each_version)]
async fn doctor_reports_a_restored_ledger_and_repair_records_its_cluster(backend: Backend) {
    let stage = TestContext::empty(backend).await;
    let (owner, options) = (stage.installer().await, options(&stage));
    apply(&owner, &options).await.unwrap();
    let findings = diagnose(&owner, "dot").await.unwrap();
    assert_eq!(named(&findings, "cluster").severity, Severity::Fine);
    let restored = "UPDATE dot.dot_contract_release SET system_identifier = 7";
    execute(&stage.superuser().await, restored).await;
    let findings = diagnose(&owner, "dot").await.unwrap();
    let finding = named(&findings, "cluster");
    assert_eq!(finding.severity, Severity::Warning);
    assert!(
        finding
            .what
            .starts_with("this ledger was restored from another cluster (7)"),
        "{finding:?}"
    );
    assert!(finding.mend.contains("install --repair"), "{finding:?}");
    apply(&owner, &repairing(&options)).await.unwrap();
    let findings = diagnose(&owner, "dot").await.unwrap();
    assert_eq!(named(&findings, "cluster").severity, Severity::Fine);
}

#[on(on_each_version)]
async fn an_installation_whose_record_is_unreadable_is_a_finding(backend: Backend) {
    for broken in [
        "REVOKE SELECT ON dot.v_dot_installation FROM PUBLIC, ROLE_reader",
        "DROP VIEW dot.v_dot_installation; CREATE VIEW dot.v_dot_installation AS SELECT 1 AS installed_version, 2 AS digest, 3 AS role_prefix, 4 AS migrations, 5 AS migration_digests; GRANT SELECT ON dot.v_dot_installation TO PUBLIC",
    ] {
        let stage = TestContext::empty(backend).await;
        let (owner, options) = (stage.installer().await, options(&stage));
        apply(&owner, &options).await.unwrap();
        let broken = broken.replace("ROLE_", &format!("{}_", options.role_prefix));
        execute(&stage.superuser().await, &broken).await;
        let findings = diagnose(&owner, "dot").await.unwrap();
        let finding = named(&findings, "contract");
        assert_eq!(finding.severity, Severity::Problem, "{broken}");
        assert_eq!(named(&findings, "server").severity, Severity::Fine);
    }
}

#[on(on_each_version)]
async fn hanging_check_is_a_finding_and_blocks_no_other_session(backend: Backend) {
    let stage = TestContext::empty(backend).await;
    let (owner, superuser) = (stage.installer().await, stage.superuser().await);
    apply(&owner, &options(&stage)).await.unwrap();
    execute(
        &superuser,
        "CREATE FUNCTION public.hangs() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(600); RETURN 0; END $$",
    )
    .await;
    let check = Call::new("fn_dot_preflight_check_set")
        .text("p_check_name", "hangs")
        .text("p_count_query", "public.hangs")
        .text("p_actor", "a");
    rows(&owner, &check.sql()).await;
    let begun = std::time::Instant::now();
    let findings = diagnose(&owner, "dot").await.unwrap();
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
    assert_problems(&findings, &["preflight"], "a check hangs");
    let finding = named(&findings, "preflight");
    assert!(finding.what.contains("no answer within"), "{finding:?}");
}

#[on(on_each_version)]
async fn doctor_distinguishes_newer_from_older_contract(backend: Backend) {
    let stage = TestContext::empty(backend).await;
    let (owner, superuser) = (stage.installer().await, stage.superuser().await);
    apply(&owner, &options(&stage)).await.unwrap();
    for (version, mend) in [
        ("999.0.0", "Use the newer dotwrap."),
        ("0.0.1", "dotwrap install"),
    ] {
        let record = format!(
            "UPDATE dot.dot_contract_release SET installed_version = '{version}', digest = 'another'"
        );
        execute(&superuser, &record).await;
        let findings = diagnose(&owner, "dot").await.unwrap();
        assert_problems(&findings, &["contract"], version);
        let finding = named(&findings, "contract");
        assert!(finding.mend.contains(mend), "{finding:?}");
        assert!(finding.what.contains(version), "{finding:?}");
    }
}

#[on(on_each_version)]
async fn a_database_that_answers_no_more_is_an_error(backend: Backend) {
    let stage = TestContext::empty(backend).await;
    let (owner, superuser) = (stage.installer().await, stage.superuser().await);
    apply(&owner, &options(&stage)).await.unwrap();
    let session = text(&owner, "SELECT pg_backend_pid()::text").await;
    execute(
        &superuser,
        &format!("SELECT pg_terminate_backend({session}, 10000)"),
    )
    .await;
    diagnose(&owner, "dot").await.unwrap_err();
}

/// A login's own setting counts before the database's, and this before the server's.
#[on(on_each_version)]
async fn logins_that_may_idle_in_a_transaction_are_named(backend: Backend) {
    let stage = TestContext::empty(backend).await;
    let (owner, options) = (stage.installer().await, options(&stage));
    apply(&owner, &options).await.unwrap();
    let superuser = stage.superuser().await;
    let observer = format!("{}_observer", options.role_prefix);
    let database = stage.database().name();
    let named_ones = async || {
        let findings = diagnose(&owner, "dot").await.unwrap();
        let finding = named(&findings, "transactions").clone();
        (finding.severity, finding.what)
    };
    assert_eq!(named_ones().await.0, Severity::Fine);
    let limit = "SET idle_in_transaction_session_timeout";
    let database_wide = |value: &str| format!("ALTER DATABASE \"{database}\" {limit} = {value}");
    execute(&superuser, &database_wide("0")).await;
    let (severity, what) = named_ones().await;
    assert_eq!(severity, Severity::Warning);
    assert!(what.contains(&observer), "{what}");
    execute(&superuser, &database_wide("'5min'")).await;
    assert_eq!(named_ones().await.0, Severity::Fine);
    execute(
        &superuser,
        &format!("ALTER ROLE \"{observer}\" {limit} = 0"),
    )
    .await;
    let (_, what) = named_ones().await;
    assert!(what.ends_with(&format!(": {observer}")), "{what}");
    let in_database =
        format!("ALTER ROLE \"{observer}\" IN DATABASE \"{database}\" {limit} = '1min'");
    execute(&superuser, &in_database).await;
    assert_eq!(named_ones().await.0, Severity::Fine);
}
