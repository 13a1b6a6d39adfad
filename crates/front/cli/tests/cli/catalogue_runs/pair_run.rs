//! Runs a pair with an unchanged and with a changed output, and checks the verdicts and rungs.

use std::fs;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::{Answer, Installation};

/// A candidate without an owner: its highest rung is `verified_candidate`.
pub(super) const CANDIDATE: &str = "PROC-CAND:test";

/// A pair, its input, and the byte of its output that is changed.
pub(super) struct Pair {
    pub(super) producer: &'static str,
    pub(super) input: String,
    pub(super) flips: Flips,
}

/// The changed byte, in a dry run and in a real run.
pub(super) struct Flips {
    pub(super) dry: Flip,
    pub(super) real: Flip,
}

/// The position of a byte whose change the verifier has to find.
#[derive(Clone, Copy)]
pub(super) enum Flip {
    At(u64),
    /// At this percentage of the file's length.
    Percent(u64),
    /// The first byte of this file in an output folder.
    In(&'static str),
}

impl Flips {
    pub(super) fn both(flip: Flip) -> Self {
        Self {
            dry: flip,
            real: flip,
        }
    }
}

impl Flip {
    pub(super) fn change(self, output: &Path) {
        let path = match self {
            Self::In(file) => output.join(file),
            Self::At(_) | Self::Percent(_) => output.to_owned(),
        };
        let mut file = fs::File::options()
            .read(true)
            .write(true)
            .open(&path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let place = match self {
            Self::At(place) => place,
            Self::Percent(percent) => file.metadata().unwrap().len() * percent / 100,
            Self::In(_) => 0,
        };
        let mut byte = [0];
        file.seek(SeekFrom::Start(place)).unwrap();
        file.read_exact(&mut byte).unwrap();
        file.seek(SeekFrom::Start(place)).unwrap();
        file.write_all(&[byte[0] ^ 1]).unwrap();
    }
}

/// An installation with the sample catalogue and open gates.
pub(super) struct Site(pub(super) Installation);

impl Site {
    pub(super) fn new() -> Self {
        let installation = Installation::with_catalogue();
        for gate in [
            "operator_runtime_enabled",
            "execute_enabled",
            "dry_run_only",
            "real_run_enabled",
        ] {
            installation
                .call(&["gates", "open", gate, "--for", "10m", "--reason", "a test"])
                .expect(0);
        }
        Self(installation)
    }

    /// Writes a file with this text, and returns its path.
    pub(super) fn file(&self, name: &str, text: &str) -> String {
        text_of(&self.0.desk.file(name, text))
    }

    /// Imports a file of the catalogue with its drafts active, and each of these texts replaced.
    pub(super) fn import(&self, family: &str, replaced: &[(&str, &str)]) {
        let active = family.replace("\"draft\"", "\"active\"");
        let family = replaced.iter().fold(active, |family, (from, to)| {
            assert!(family.contains(from), "the catalogue has no {from}");
            family.replace(from, to)
        });
        let family = self.file("family.toml", &family);
        self.0.call(&["tools", "import", &family]).expect(0);
    }

    /// As [`Site::import`], with programs that the tests fetched found first.
    pub(super) fn import_fetched(&self, family: &str, program: &str, replaced: &[(&str, &str)]) {
        let Some(folder) = fetched(program) else {
            return self.import(family, replaced);
        };
        let header = "[contract.invocation]";
        let path = format!("{header}\npath = [{:?}]", text_of(&folder));
        self.import(&family.replace(header, &path), replaced);
    }

    /// The input of most tools: compressible, and longer than a buffer.
    pub(super) fn numbers(&self) -> String {
        let numbers: Vec<_> = (0..20_000).map(|number| format!("{number}\n")).collect();
        self.file("in/numbers", &numbers.concat())
    }

    pub(super) fn runs(&self) -> PathBuf {
        self.0.desk.folder().join("runs")
    }

    pub(super) fn arguments<'a>(pair: &'a Pair, mode: &'a str) -> [&'a str; 12] {
        let Pair {
            producer, input, ..
        } = pair;
        [
            "run",
            producer,
            "--mode",
            mode,
            "--input",
            input,
            "--runs-folder",
            "runs",
            "--output",
            "json",
            "--candidate",
            CANDIDATE,
        ]
    }

    /// The rung of the candidate of these runs.
    pub(super) fn rung(&self) -> String {
        let ladder = self.0.json(&["ladder"]);
        let rows = ladder.as_array().unwrap().iter();
        let mut own = rows.filter(|row| row["process_candidate_code"] == CANDIDATE);
        own.next().unwrap()["candidate_status_v3"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Runs the pair with an unchanged output.
    pub(super) fn run(&self, pair: &Pair, mode: &str) -> Value {
        let run = self.0.call(&Self::arguments(pair, mode)).expect(0).json();
        assert_eq!(run["verdict"], "pass", "{mode}: {run:#}");
        run
    }

    /// Runs the pair and changes its output between producer and verifier: the producer's row waits for a lock that the
    /// test holds, and the verifier is called once that row is committed.
    ///
    /// The verdict is `fail` only if the verifier's program reports the change; one that ends with 126 or above, as Git
    /// does, is an `error` by its exit status. If only the digest shows the change, the run says `output_changed`.
    pub(super) fn run_tampered(&self, pair: &Pair, mode: &str, flip: Flip) {
        self.run_with_change(pair, mode, |output| flip.change(output));
    }

    /// As [`Site::run_tampered`], with any change, which is given the output.
    pub(super) fn run_with_change(&self, pair: &Pair, mode: &str, change: impl FnOnce(&Path)) {
        let before = folders_below(&self.runs());
        let lock = self.0.lock_against_writes("process_component_observation");
        let run = self.0.command(&Self::arguments(pair, mode));
        let run = std::thread::spawn(move || {
            let mut run = run;
            Answer::of(&mut run)
        });
        self.0.waiting_session();
        let new = folders_below(&self.runs());
        let new: Vec<_> = new.difference(&before).collect();
        let [folder] = new[..] else {
            panic!("not one run is under way: {new:?}");
        };
        let producer = folder.join("producer");
        let (output, printed) = (producer.join("output"), producer.join("stdout"));
        change(match output.exists() {
            true => &output,
            false => &printed,
        });
        drop(lock);
        let run = run.join().unwrap().expect(1).json();
        let is_found = run["verdict"] == "fail"
            || (run["verdict"] == "error" && run["error_ref"] == "verifier: exit_status");
        assert!(is_found, "{mode}: {run:#}");
    }
}

pub(super) fn folders_below(folder: &Path) -> std::collections::BTreeSet<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.map(|entry| entry.unwrap().path()).collect()
}

pub(super) fn text_of(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// Calls a program to prepare an input.
#[track_caller]
pub(super) fn tool(program: &str, words: &[&str]) {
    let output = Command::new(program)
        .args(words)
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}; the tests of the catalogue call it"));
    assert!(output.status.success(), "{program} {words:?}: {output:?}");
}

/// Whether the program is not installed, so that its pair is skipped. A program in `DOTWRAP_TEST_PROGRAMS` is never
/// skipped.
pub(super) fn is_skipped(program: &str) -> bool {
    let folders = dotwrap_supervisor::SearchPath::of_system();
    let required = std::env::var("DOTWRAP_TEST_PROGRAMS").unwrap_or_default();
    let is_there = folders.find(program).is_ok() || fetched(program).is_some();
    if is_there || required.split_whitespace().any(|name| name == program) {
        return false;
    }
    eprintln!("{program} is not on this machine: its pair is skipped");
    true
}

/// The folder with a program that the tests fetched, for the key `path` of a contract. None: the machine has it, or it is
/// not here at all.
pub(super) fn fetched(program: &str) -> Option<PathBuf> {
    let folder = dotwrap_testkit::fetched_programs();
    let is_installed = dotwrap_supervisor::SearchPath::of_system()
        .find(program)
        .is_ok();
    (!is_installed && folder.join(program).exists()).then_some(folder)
}

/// Runs a pair dry and real, unchanged and changed, and checks the rung after each run.
pub(super) fn assert_runs_and_detects_change(program: &str, pair: impl FnOnce(&Site) -> Pair) {
    if is_skipped(program) {
        return;
    }
    let site = Site::new();
    let pair = pair(&site);
    let Flips { dry, real } = pair.flips;

    site.run_tampered(&pair, "dry-run", dry);
    assert_eq!(site.rung(), "dry_run_observed");
    let run = site.run(&pair, "dry-run");
    assert_eq!(run["producer"]["evidence_type"], "DRY_RUN");
    assert_eq!(run["verifier"]["evidence_type"], "DRY_RUN");
    assert_eq!(site.rung(), "dry_run_observed");

    // A dry run may name any candidate; a real run only one that its producer is declared for.
    let title = ["--title", "A test"];
    site.0
        .call(&[&["candidates", "set", CANDIDATE], &title[..]].concat())
        .expect(0);
    site.0
        .call(&["candidates", "pair", CANDIDATE, pair.producer])
        .expect(0);
    site.run_tampered(&pair, "real-run", real);
    assert_eq!(site.rung(), "real_run_observed");
    let run = site.run(&pair, "real-run");
    assert_eq!(run["producer"]["evidence_type"], "REAL_RUN");
    assert_eq!(run["verifier"]["evidence_type"], "REAL_RUN");
    assert_eq!(site.rung(), "verified_candidate");
    site.0.call(&["verify"]).expect(0);
}
