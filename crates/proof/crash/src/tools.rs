//! The pairs: real programs that take some time and log their calls.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use uuid::Uuid;

/// The number of pairs; runs of different pairs are concurrent.
pub(crate) const PAIRS: usize = 8;

/// The candidate of all runs.
pub(crate) const CANDIDATE: &str = "PROC-CAND:crash";

/// The producer writes the digest of its input, and the verifier recomputes it. Both log to `$TRACE`. The odd pairs
/// leave a daemon that ignores SIGTERM.
const DAEMON: &str = "(trap \"\" TERM; exec setsid sleep 600) >/dev/null 2>&1 </dev/null &\n";
const BEGUN: &str = "printf 'begun %s %s %s %s\\n' \"$0\" \"$1\" \"$2\" \"$(date +%s%N)\" >> \"$TRACE\"\nsleep \"$PAUSE\"\n";
const ENDED: &str = "printf 'ended %s %s %s\\n' \"$0\" \"$1\" \"$2\" >> \"$TRACE\"\n";
const PRODUCE: &str = "sha256sum < \"$3\" > \"$4\"\n";
const VERIFY: &str = "test \"$(sha256sum < \"$3\")\" = \"$(cat \"$4\")\" || exit 1\n";

/// The producer of a pair.
pub(crate) fn producer(pair: usize) -> String {
    format!("DOT_CRASH_DIGEST_{pair}")
}

/// Its verifier.
pub(crate) fn verifier(pair: usize) -> String {
    format!("DOT_CRASH_DIGEST_{pair}_CHECK")
}

/// The minimum duration of each call of a pair, in milliseconds.
pub(crate) fn pause_ms(pair: usize) -> u64 {
    [60, 120, 250, 400][pair / 2 % 4]
}

/// The catalogue of the pairs.
pub(crate) fn catalogue(trace: &Path) -> String {
    let mut text =
        format!("[[candidate]]\ncode = \"{CANDIDATE}\"\ntitle = \"Crashes\"\nowner = \"nobody\"\n");
    for pair in 0..PAIRS {
        let (producer, verifier) = (producer(pair), verifier(pair));
        let daemon = if pair % 2 == 1 { DAEMON } else { "" };
        let scripts = [
            format!("{daemon}{BEGUN}{PRODUCE}{ENDED}"),
            format!("{BEGUN}{VERIFY}{ENDED}"),
        ];
        for (code, other, role, operation, script) in [
            (&producer, &verifier, "producer", "digest", &scripts[0]),
            (&verifier, &producer, "verifier", "verify", &scripts[1]),
        ] {
            write!(
                text,
                "\n[[tool]]\ndot_code = \"{code}\"\nname = \"{code}\"\ntier = \"{tier}\"\noperation = \"{operation}\"\n\
                 paired_dot = \"{other}\"\npair_role = \"{role}\"\ntrigger_type = \"manual\"\nexecution_engine = \"command\"\n\
                 status = \"active\"\n[tool.extra_metadata]\nprocess_candidate_code = \"{CANDIDATE}\"\nwhy = \"It digests again.\"\n",
                tier = if role == "producer" { "B" } else { "A" },
            )
            .unwrap();
            for mode in ["DRY_RUN", "REAL_RUN"] {
                let harmless = match mode {
                    "DRY_RUN" => {
                        "no_mutation_assertion = true\noutput_namespace = \"DRYRUN-NS:crash\"\n"
                    }
                    _ => "",
                };
                write!(
                    text,
                    "\n[[contract]]\ndot_code = \"{code}\"\nmode = \"{mode}\"\n{harmless}endpoint_ref = \"command:sh\"\n\
                     timeout_ms = 60_000\n[contract.invocation]\n\
                     argv = [\"sh\", \"-c\", '''\n{script}''', \"{role}\", \"{{process_run_id}}\", \"{{component_run_id}}\", \
                     \"{{input}}\", \"{{output}}\"]\n\
                     variables = {{ TRACE = '{trace}', PAUSE = \"{pause}\" }}\n\
                     paths = {{ write = ['{trace}'] }}\nlimits = {{ grace_ms = 200 }}\n",
                    trace = trace.display(),
                    pause = pause_ms(pair) as f64 / 1000.0,
                )
                .unwrap();
            }
        }
    }
    text
}

/// The key of a call: the run and the role.
pub(crate) type Called = (Uuid, String);

/// One call of a tool, by its own trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) component: Uuid,
    /// In nanoseconds since 1970, by the same clock as the database's.
    pub(crate) begun_at: i128,
    pub(crate) has_ended: bool,
}

/// All calls, by the tools' trace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trace(pub(crate) BTreeMap<Called, Vec<Call>>);

impl Trace {
    pub(crate) fn read(path: &Path) -> Self {
        let mut trace = Self::default();
        let text = fs::read_to_string(path).unwrap();
        // A line without an end is still being written.
        let written = text.rfind('\n').map_or("", |end| &text[..end]);
        for line in written.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["begun", role, run, component, at] => {
                    let calls = trace.0.entry((uuid(run), role.to_owned())).or_default();
                    calls.push(Call {
                        component: uuid(component),
                        begun_at: at.parse().unwrap(),
                        has_ended: false,
                    });
                }
                ["ended", role, run, component] => {
                    let calls = trace.0.get_mut(&(uuid(run), role.to_owned())).unwrap();
                    let own = calls.iter_mut().find(|it| it.component == uuid(component));
                    own.unwrap().has_ended = true;
                }
                _ => panic!("a tool wrote {line:?}"),
            }
        }
        trace
    }

    /// Whether a role of a run was called.
    pub(crate) fn has(&self, run: Uuid, role: &str) -> bool {
        self.0.contains_key(&(run, role.to_owned()))
    }
}

fn uuid(text: &str) -> Uuid {
    text.parse().unwrap()
}
