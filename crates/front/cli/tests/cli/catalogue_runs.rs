//! Pairs of the sample catalogue, really called: their dry form, the real thing, and an output that somebody changes between
//! producer and verifier.

use std::fs;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use dotwrap_testkit::{PrivateServer, TestDatabase, Version};
use serde_json::Value;
use tokio_postgres::Config;
use tokio_postgres::config::Host;

use crate::support::{Answer, Installation, wait};

/// Nobody owns it, so verified is as far as it comes.
const CANDIDATE: &str = "PROC-CAND:test";

/// A pair, what it is given, and where its output is changed.
struct Pair {
    producer: &'static str,
    input: String,
    flips: Flips,
}

/// Which byte is changed, in a dry run and in a real one.
struct Flips {
    dry: Flip,
    real: Flip,
}

/// A byte of an output that its verifier has to notice.
#[derive(Clone, Copy)]
enum Flip {
    At(u64),
    /// So many percent into the file.
    Percent(u64),
    /// The first byte of this file of a folder.
    In(&'static str),
}

impl Flips {
    fn both(flip: Flip) -> Self {
        Self {
            dry: flip,
            real: flip,
        }
    }
}

impl Flip {
    fn change(self, output: &Path) {
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

/// A place to work in: the contract, the sample, and open gates.
struct Site(Installation);

impl Site {
    fn new() -> Self {
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

    /// A file with this text, and its path.
    fn file(&self, name: &str, text: &str) -> String {
        text_of(&self.0.desk.file(name, text))
    }

    /// The text that most tools are given: compressible, and longer than a buffer.
    fn numbers(&self) -> String {
        let numbers: Vec<_> = (0..20_000).map(|number| format!("{number}\n")).collect();
        self.file("in/numbers", &numbers.concat())
    }

    fn runs(&self) -> PathBuf {
        self.0.desk.folder().join("runs")
    }

    fn words<'a>(pair: &'a Pair, mode: &'a str) -> [&'a str; 12] {
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

    /// How far the candidate of these runs has come.
    fn rung(&self) -> String {
        let ladder = self
            .0
            .call(&["ladder", "--output", "json"])
            .expect(0)
            .json();
        let rows = ladder.as_array().unwrap().iter();
        let mut own = rows.filter(|row| row["process_candidate_code"] == CANDIDATE);
        own.next().unwrap()["candidate_status_v3"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Runs the pair as it is.
    fn run(&self, pair: &Pair, mode: &str) -> Value {
        let run = self.0.call(&Self::words(pair, mode)).expect(0).json();
        assert_eq!(run["verdict"], "pass", "{mode}: {run:#}");
        run
    }

    /// Runs the pair while somebody changes its output: behind the producer, whose row waits for a lock that the test
    /// holds, and before the verifier, which is called when that row is committed.
    ///
    /// Its verdict is `fail` only if its program says so itself: where that notices nothing, and only the digest shows the
    /// change, the verdict is `error`.
    fn run_tampered(&self, pair: &Pair, mode: &str, flip: Flip) {
        let before = folders_below(&self.runs());
        let lock = self.0.lock_against_writes("process_component_observation");
        let run = self.0.command(&Self::words(pair, mode));
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
        flip.change(match output.exists() {
            true => &output,
            false => &printed,
        });
        drop(lock);
        let run = run.join().unwrap().expect(1).json();
        assert_eq!(run["verdict"], "fail", "{mode}: {run:#}");
    }
}

fn folders_below(folder: &Path) -> std::collections::BTreeSet<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.map(|entry| entry.unwrap().path()).collect()
}

fn text_of(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// Prepares what a tool is given, with the tool itself.
#[track_caller]
fn tool(program: &str, words: &[&str]) {
    let output = Command::new(program)
        .args(words)
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}; the tests of the catalogue call it"));
    assert!(output.status.success(), "{program} {words:?}: {output:?}");
}

/// Not every machine has every program, and a machine without one has no use for its pair. Where
/// `DOTWRAP_TEST_PROGRAMS` lists a program, its pair is not passed over.
fn is_passed_over(program: &str) -> bool {
    let folders = dotwrap_supervisor::SearchPath::of_system();
    let required = std::env::var("DOTWRAP_TEST_PROGRAMS").unwrap_or_default();
    if folders.find(program).is_ok() || required.split_whitespace().any(|name| name == program) {
        return false;
    }
    eprintln!("{program} is not on this machine: its pair is passed over");
    true
}

/// What every pair has to do. Each step says more than the one before, and none says more than happened.
fn climbs_and_is_caught(program: &str, pair: impl FnOnce(&Site) -> Pair) {
    if is_passed_over(program) {
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

    // A dry run may be for any candidate, a real one only for what its producer is declared for.
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

#[test]
fn gzip() {
    climbs_and_is_caught("gzip", |site| Pair {
        producer: "DOT_GZIP",
        input: site.numbers(),
        flips: Flips::both(Flip::Percent(50)),
    });
}

#[test]
fn zstd() {
    climbs_and_is_caught("zstd", |site| Pair {
        producer: "DOT_ZSTD",
        input: site.numbers(),
        flips: Flips::both(Flip::Percent(50)),
    });
}

#[test]
fn xz() {
    climbs_and_is_caught("xz", |site| Pair {
        producer: "DOT_XZ",
        input: site.numbers(),
        flips: Flips::both(Flip::Percent(50)),
    });
}

#[test]
fn sha256sum() {
    climbs_and_is_caught("sha256sum", |site| Pair {
        producer: "DOT_SHA256SUM",
        input: site.numbers(),
        flips: Flips::both(Flip::At(0)),
    });
}

#[test]
fn tar() {
    climbs_and_is_caught("tar", |site| {
        site.numbers();
        Pair {
            producer: "DOT_TAR_CREATE",
            input: text_of(&site.0.desk.folder().join("in")),
            flips: Flips::both(Flip::Percent(50)),
        }
    });
}

#[test]
fn rsync() {
    climbs_and_is_caught("rsync", |site| {
        site.numbers();
        Pair {
            producer: "DOT_RSYNC_MIRROR",
            input: text_of(&site.0.desk.folder().join("in")),
            flips: Flips::both(Flip::In("numbers")),
        }
    });
}

#[test]
fn git() {
    climbs_and_is_caught("git", |site| {
        let repository = text_of(&site.0.desk.folder().join("repository"));
        tool("git", &["init", "--quiet", &repository]);
        site.file("repository/readme", "what it is for\n");
        let git = |words: &[&str]| {
            let as_somebody = ["-c", "user.name=t", "-c", "user.email=t@example.org"];
            tool(
                "git",
                &[&["-C", &repository][..], &as_somebody, words].concat(),
            );
        };
        git(&["add", "."]);
        git(&["commit", "--quiet", "--message", "first"]);
        git(&["tag", "v1"]);
        Pair {
            producer: "DOT_GIT_BUNDLE_CREATE",
            input: repository,
            // The last bytes are the pack's own digest, and the first ones the branches' names.
            flips: Flips::both(Flip::Percent(80)),
        }
    });
}

#[test]
fn sqlite() {
    climbs_and_is_caught("sqlite3", |site| {
        let database = text_of(&site.0.desk.folder().join("notes.db"));
        let notes = "CREATE TABLE note (id integer PRIMARY KEY, words text); CREATE INDEX by_words ON note (words);
                     INSERT INTO note (words) VALUES ('first'), ('second')";
        tool("sqlite3", &[&database, notes]);
        Pair {
            producer: "DOT_SQLITE_BACKUP",
            input: database,
            // What kind of page the first one is.
            flips: Flips::both(Flip::At(100)),
        }
    });
}

#[test]
fn qemu_img() {
    climbs_and_is_caught("qemu-img", |site| {
        let image = site.0.desk.folder().join("disk.raw");
        let sectors: Vec<u8> = (0..1u32 << 18).flat_map(u32::to_le_bytes).collect();
        fs::write(&image, sectors).unwrap();
        Pair {
            producer: "DOT_QEMU_IMG_CONVERT",
            input: text_of(&image),
            // Behind the image's own tables.
            flips: Flips::both(Flip::Percent(75)),
        }
    });
}

#[test]
fn openssl() {
    climbs_and_is_caught("openssl", |site| {
        let path = |name: &str| text_of(&site.0.desk.folder().join(name));
        let (private, public) = (path("key.pem"), path("key.pub.pem"));
        tool(
            "openssl",
            &["genpkey", "-quiet", "-algorithm", "RSA", "-out", &private],
        );
        tool(
            "openssl",
            &["pkey", "-in", &private, "-pubout", "-out", &public],
        );
        // What the catalogue's drafts ask for: the keys' paths, and to be active.
        let family = include_str!("../../../../../catalogue/integrity.toml")
            .replace("/etc/dotwrap/signing-key.pub.pem", &public)
            .replace("/etc/dotwrap/signing-key.pem", &private)
            .replace("\"draft\"", "\"active\"");
        let family = site.file("integrity.toml", &family);
        site.0.call(&["tools", "import", &family]).expect(0);
        Pair {
            producer: "DOT_OPENSSL_SIGN",
            input: site.numbers(),
            flips: Flips::both(Flip::Percent(50)),
        }
    });
}

#[test]
fn pg_dump() {
    let database = wait(TestDatabase::empty(Version::V15));
    wait(async {
        let notes = "CREATE TABLE note AS SELECT g AS id, 'note ' || g AS words FROM generate_series(1, 5000) g";
        database
            .owner_client()
            .await
            .batch_execute(notes)
            .await
            .unwrap();
    });
    climbs_and_is_caught("pg_dump", |_| Pair {
        producer: "DOT_PG_DUMP",
        input: database.url_as(database.owner()),
        flips: Flips {
            dry: Flip::At(0),
            real: Flip::Percent(75),
        },
    });
}

#[test]
fn pg_basebackup() {
    let server = wait(PrivateServer::start(Version::V15, &[]));
    climbs_and_is_caught("pg_basebackup", |_| Pair {
        producer: "DOT_PG_BASEBACKUP",
        input: format!(
            "{}&passfile={}",
            url_of(&server.cluster().superuser_config("postgres")),
            server.cluster().password_file().display()
        ),
        flips: Flips::both(Flip::In("base/1/PG_VERSION")),
    });
}

fn url_of(config: &Config) -> String {
    let [Host::Unix(folder)] = config.get_hosts() else {
        panic!("{config:?} is not one socket");
    };
    let user = config.get_user().unwrap();
    let folder = folder.display().to_string().replace('%', "%25");
    format!(
        "postgresql://{user}@/postgres?host={}",
        folder.replace(' ', "%20")
    )
}

/// The endpoint is in the contract; who may be called is not.
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
fn what_is_registered_may_still_not_be_executed() {
    let installation = Installation::with_catalogue();
    let input = text_of(&installation.desk.file("a", "a"));
    let refused = installation.call(&["run", "DOT_GZIP", "--mode", "dry-run", "--input", &input]);
    assert_eq!(refused.status, 3, "{}", refused.messages);
    let gates = installation.call(&["gates", "--output", "json"]).expect(0);
    assert_eq!(gates.json()["posture"], "NO_EXECUTE");
}
