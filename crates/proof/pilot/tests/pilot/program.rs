//! The verifier as a program: exit statuses, and one JSON object on standard output.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use dotwrap_pilot::{Check, Fixture, Report, Verdict, digest_of, explain};
use tempfile::TempDir;

const NAMESPACE: &str = "DRYRUN-NS:kg/explain";
const FIXTURE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../../catalogue/fixtures/kg_explain.json"
);

fn folder_with(output: &[u8]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("output.json"), output).unwrap();
    folder
}

fn honest() -> Vec<u8> {
    serde_json::to_vec(&explain(&Fixture::pilot().unwrap(), NAMESPACE)).unwrap()
}

fn run(arguments: &[&Path]) -> (Option<i32>, Output) {
    let output = Command::new(env!("CARGO_BIN_EXE_dotwrap-kg-explain-verify"))
        .args(arguments)
        .output()
        .unwrap();
    (output.status.code(), output)
}

fn report(output: &Output) -> Report {
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn pass_exits_with_0_and_names_the_output() {
    let folder = folder_with(&honest());
    let path = folder.path().join("output.json");
    let (status, output) = run(&[FIXTURE.as_ref(), &path, NAMESPACE.as_ref()]);
    let report = report(&output);
    assert_eq!((status, report.verdict), (Some(0), Verdict::Pass));
    assert_eq!(report.verified_digest, Some(digest_of(honest())));
    assert!(output.stderr.is_empty());
}

#[test]
fn fail_exits_with_1_and_names_the_check() {
    let folder = folder_with(&honest());
    let path = folder.path().join("output.json");
    let (status, output) = run(&[FIXTURE.as_ref(), &path, "DRYRUN-NS:other".as_ref()]);
    assert_eq!(status, Some(1));
    assert_eq!(
        report(&output).failed_checks[0].check,
        Check::OutputInNamespace
    );
}

#[test]
fn a_byte_flipped_after_the_commitment_fails() {
    let committed = digest_of(honest());
    let mut tampered = honest();
    let place = tampered.len() / 2;
    tampered[place] ^= 1;
    let folder = folder_with(&tampered);
    let path = folder.path().join("output.json");
    let arguments: [&Path; 5] = [
        "--digest".as_ref(),
        committed.as_ref(),
        FIXTURE.as_ref(),
        &path,
        NAMESPACE.as_ref(),
    ];
    let (status, output) = run(&arguments);
    assert_eq!(status, Some(1));
    assert_eq!(report(&output).failed_checks[0].check, Check::DigestMatches);
}

#[test]
fn missing_input_exits_with_2() {
    let folder = folder_with(&honest());
    let (path, missing) = (folder.path().join("output.json"), folder.path().join("no"));
    for (arguments, check) in [
        (
            [FIXTURE.as_ref(), missing.as_path(), NAMESPACE.as_ref()],
            Check::OutputReadable,
        ),
        (
            [missing.as_path(), &path, NAMESPACE.as_ref()],
            Check::FixtureReadable,
        ),
        (
            [path.as_path(), &path, NAMESPACE.as_ref()],
            Check::FixtureReadable,
        ),
    ] {
        let (status, output) = run(&arguments);
        let report = report(&output);
        assert_eq!((status, report.verdict), (Some(2), Verdict::Error));
        assert_eq!(report.failed_checks[0].check, check);
        assert_eq!(report.verified_digest, None);
    }
}

#[test]
fn missing_arguments_are_an_error_and_no_verdict() {
    let (status, output) = run(&[FIXTURE.as_ref()]);
    assert_eq!(status, Some(2));
    assert!(output.stdout.is_empty());
}

#[test]
fn unwritable_report_is_an_error() {
    let folder = folder_with(&honest());
    let full = fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let status = Command::new(env!("CARGO_BIN_EXE_dotwrap-kg-explain-verify"))
        .arg(FIXTURE)
        .arg(folder.path().join("output.json"))
        .arg(NAMESPACE)
        .stdout(full)
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(2));
}
