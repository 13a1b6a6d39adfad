//! Pairs of `catalogue/repositories.toml`: the output is what the program says of its snapshot.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use super::pair_run::{CANDIDATE, Flip, Flips, Pair, Site, fetched, is_skipped, text_of};

const FAMILY: &str = include_str!("../../../../../../catalogue/repositories.toml");

/// A program of a repository, with the variables that its contracts have.
struct Repository {
    program: &'static str,
    variables: Vec<(&'static str, String)>,
}

impl Repository {
    /// Calls the program itself, and returns what it prints.
    fn call(&self, words: &[&str]) -> String {
        let program =
            fetched(self.program).map_or(self.program.into(), |folder| folder.join(self.program));
        let mut command = Command::new(program);
        command
            .args(words)
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{words:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }
}

/// A site with the pairs active, and the file of the password in its place.
fn site(program: &str) -> (Site, String, String) {
    let site = Site::new();
    let repository = text_of(&site.0.desk.folder().join("repository"));
    let password = site.file("password", "a password of tests\n");
    fs::set_permissions(&password, fs::Permissions::from_mode(0o600)).unwrap();
    let places = [
        ("/srv/backup/restic", repository.as_str()),
        ("/srv/backup/borg", &repository),
        ("/etc/dotwrap/restic-password", &password),
        ("/etc/dotwrap/borg-passphrase", &password),
    ];
    site.import_fetched(FAMILY, program, &places);
    site.0
        .call(&["candidates", "set", CANDIDATE, "--title", "A test"])
        .expect(0);
    (site, repository, password)
}

/// Dry, real, and with a snapshot that is gone before the verifier looks for it.
fn assert_runs_and_misses_a_removed_snapshot(
    site: &Site,
    producer: &'static str,
    remove: impl FnOnce(&Path),
) {
    site.numbers();
    let pair = Pair {
        producer,
        input: text_of(&site.0.desk.folder().join("in").canonicalize().unwrap()),
        flips: Flips::both(Flip::At(0)),
    };
    site.0
        .call(&["candidates", "pair", CANDIDATE, producer])
        .expect(0);
    site.run(&pair, "dry-run");
    site.run_with_change(&pair, "real-run", remove);
    assert_eq!(site.rung(), "real_run_observed");
    site.run(&pair, "real-run");
    assert_eq!(site.rung(), "verified_candidate");
    let evidence = site
        .0
        .call(&["runs", "show", "last", "--output", "json"])
        .expect(0)
        .output;
    assert!(!evidence.contains("a password of tests"), "{evidence}");
    site.0.call(&["verify"]).expect(0);
}

#[test]
fn restic() {
    if is_skipped("restic") {
        return;
    }
    let (site, repository, _password) = site("restic");
    let restic = Repository {
        program: "restic",
        variables: vec![
            ("RESTIC_REPOSITORY", repository),
            ("RESTIC_PASSWORD", "a password of tests".to_owned()),
        ],
    };
    restic.call(&["init", "--quiet"]);
    assert_runs_and_misses_a_removed_snapshot(&site, "DOT_RESTIC_BACKUP", |said| {
        let said: serde_json::Value = serde_json::from_slice(&fs::read(said).unwrap()).unwrap();
        restic.call(&["forget", said["snapshot_id"].as_str().unwrap()]);
    });
}

#[test]
fn borg() {
    if is_skipped("borg") {
        return;
    }
    let (site, repository, _password) = site("borg");
    let borg = Repository {
        program: "borg",
        variables: vec![
            ("BORG_REPO", repository),
            ("BORG_PASSPHRASE", "a password of tests".to_owned()),
            ("BORG_BASE_DIR", text_of(site.0.desk.folder())),
            ("BORG_RELOCATED_REPO_ACCESS_IS_OK", "yes".to_owned()),
        ],
    };
    borg.call(&["init", "--encryption=repokey"]);
    assert_runs_and_misses_a_removed_snapshot(&site, "DOT_BORG_CREATE", |said| {
        let said: serde_json::Value = serde_json::from_slice(&fs::read(said).unwrap()).unwrap();
        let name = said["archive"]["name"].as_str().unwrap();
        borg.call(&["delete", &format!("::{name}")]);
    });
}
