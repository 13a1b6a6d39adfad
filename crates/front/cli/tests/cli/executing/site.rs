//! A place where tools may be called: the contract, open gates, and a pair whose two sides are shell scripts of the
//! test.

use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::support::{Answer, Installation};

/// How long a test waits for what has to come.
const WAIT_LIMIT: Duration = Duration::from_secs(120);

/// What the pairs of these tests are evidence for.
pub(crate) const CANDIDATE: &str = "PROC-CAND:test";

/// The pair's producer.
pub(crate) const PRODUCER: &str = "DOT_MAKE";

pub(crate) const ALL_GATES: [&str; 4] = [
    "operator_runtime_enabled",
    "execute_enabled",
    "dry_run_only",
    "real_run_enabled",
];

/// An installation with a pair of the test's own.
pub(crate) struct Site(pub(crate) Installation);

/// A pair as two shell scripts. In a script, `{output}` and its like are places, and a brace that is meant is written
/// twice.
pub(crate) struct Pair {
    pub(crate) producer: String,
    pub(crate) verifier: String,
    /// Further lines of the producer's `invocation`, e.g. `limits = { … }`.
    pub(crate) invocation: String,
    /// Milliseconds.
    pub(crate) time_limit: u32,
}

impl Default for Pair {
    /// A pair whose producer copies its input and whose verifier holds the copy against it.
    fn default() -> Self {
        Self {
            producer: "cat -- '{input}' > '{output}'".to_owned(),
            verifier: "cmp -- '{input}' '{output}'".to_owned(),
            invocation: String::new(),
            time_limit: 60_000,
        }
    }
}

impl Pair {
    /// With this producer, and a verifier that looks at nothing.
    pub(crate) fn of_producer(script: &str) -> Self {
        Self {
            producer: script.to_owned(),
            verifier: "true".to_owned(),
            ..Self::default()
        }
    }

    /// With a producer that leaves something, and this verifier.
    pub(crate) fn of_verifier(script: &str) -> Self {
        Self {
            producer: "echo something > '{output}'".to_owned(),
            verifier: script.to_owned(),
            ..Self::default()
        }
    }

    pub(crate) fn catalogue(&self) -> String {
        let tool = |code: &str, other: &str, role: &str| {
            format!(
                "[[tool]]\ndot_code = \"{code}\"\nname = \"{code}\"\ntier = \"B\"\noperation = \"test\"\npaired_dot = \"{other}\"\n\
                 pair_role = \"{role}\"\ntrigger_type = \"manual\"\nexecution_engine = \"command\"\nstatus = \"active\"\n\
                 [tool.extra_metadata]\nprocess_candidate_code = \"{CANDIDATE}\"\n"
            )
        };
        let mut text = tool(PRODUCER, "DOT_MAKE_CHECK", "producer")
            + &tool("DOT_MAKE_CHECK", PRODUCER, "verifier");
        for mode in ["DRY_RUN", "REAL_RUN"] {
            for (code, script, invocation) in [
                (PRODUCER, &self.producer, self.invocation.as_str()),
                ("DOT_MAKE_CHECK", &self.verifier, ""),
            ] {
                text += &format!(
                    "[[contract]]\ndot_code = \"{code}\"\nmode = \"{mode}\"\nno_mutation_assertion = true\n\
                     output_namespace = \"DRYRUN-NS:test\"\nendpoint_ref = \"command:sh\"\ntimeout_ms = {}\n\
                     [contract.invocation]\nargv = [\"sh\", \"-c\", '''{script}''']\n{invocation}\n",
                    self.time_limit
                );
            }
        }
        text
    }
}

impl Site {
    /// With open gates.
    pub(crate) fn with(pair: &Pair) -> Self {
        let site = Self::closed(pair);
        for gate in ALL_GATES {
            site.0
                .call(&["gates", "open", gate, "--for", "10m", "--reason", "a test"])
                .expect(0);
        }
        site
    }

    /// With the gates as shipped.
    pub(crate) fn closed(pair: &Pair) -> Self {
        let site = Self(Installation::as_shipped());
        site.0.desk.file("pair.toml", &pair.catalogue());
        site.0.call(&["tools", "import", "pair.toml"]).expect(0);
        site.0
            .call(&["candidates", "set", CANDIDATE, "--title", "A test"])
            .expect(0);
        site
    }

    /// A file with this text, and its path.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        self.0.desk.file(name, text).to_str().unwrap().to_owned()
    }

    /// A path in the test's own folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.desk.folder().join(name)
    }

    /// The words that run the pair.
    pub(crate) fn words<'a>(mode: &'a str, more: &[&'a str]) -> Vec<&'a str> {
        let run = [
            "run",
            PRODUCER,
            "--candidate",
            CANDIDATE,
            "--mode",
            mode,
            "--runs-folder",
            "runs",
            "--output",
            "json",
        ];
        [&run[..], more].concat()
    }

    /// Runs the pair.
    pub(crate) fn run(&self, mode: &str, more: &[&str]) -> Answer {
        self.0.call(&Self::words(mode, more))
    }

    /// Starts a run that will take its time.
    pub(crate) fn start(&self, words: &[&str]) -> Child {
        self.0
            .command(words)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Waits for a file, and reads the number in it: a tool says that it runs, and which process it is.
    pub(crate) fn process_in(&self, name: &str) -> Pid {
        let path = self.path(name);
        until(|| {
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            let number = text.strip_suffix('\n')?.parse().unwrap();
            Some(Pid::from_raw(number))
        })
    }

    /// What the ledger says of a run.
    pub(crate) fn story(&self, run: &str) -> Value {
        self.0.json(&["runs", "show", run])
    }

    /// The evidence of one side of the newest run: 0 the producer, 1 the verifier.
    pub(crate) fn evidence(&self, side: usize) -> Value {
        self.story("last")["components"][side]["evidence_ref"].clone()
    }

    /// All runs.
    pub(crate) fn runs(&self) -> Vec<Value> {
        let runs = self.0.call(&["runs", "ls", "--output", "json"]).expect(0);
        runs.json().as_array().unwrap().clone()
    }

    /// How far the candidate has come.
    pub(crate) fn rung(&self) -> String {
        let ladder = self.0.json(&["ladder"]);
        let mut rows = ladder.as_array().unwrap().iter();
        let own = rows.find(|row| row["process_candidate_code"] == CANDIDATE);
        own.unwrap()["candidate_status_v3"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// The state of the pair's lease.
    pub(crate) fn lease(&self) -> Value {
        let leases = self.0.json(&["lease", "ls"]);
        leases[0]["state"].clone()
    }

    /// The ledger breaks no rule.
    pub(crate) fn holds(&self) {
        self.0.call(&["verify"]).expect(0);
    }
}

/// Waits for something that has to come: for long, as a machine may be busy, and not for ever.
pub(crate) fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < WAIT_LIMIT, "it did not come");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Whether a process is still there. One that nobody has waited for yet is there and runs no more: the supervisor
/// adopts and waits for what its tool leaves.
pub(crate) fn is_running(process: Pid) -> bool {
    kill(process, None) != Err(Errno::ESRCH)
}

/// Sends a signal to a program that was started.
pub(crate) fn signal(child: &Child, signal: Signal) {
    kill(Pid::from_raw(child.id().try_into().unwrap()), signal).unwrap();
}

/// Waits for a program that was started.
pub(crate) fn end(child: Child) -> Answer {
    Answer::from(child.wait_with_output().unwrap())
}
