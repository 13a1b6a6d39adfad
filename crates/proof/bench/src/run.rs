//! What recording costs beside the tools themselves: the whole command `dotwrap run`, and the same two programs started by
//! a shell, in turn.

use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use clap::Args;
use comfy_table::{Table, presets::ASCII_MARKDOWN};
use dotwrap_bench::{Failure, measure::median};
use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeVal,
};

const CATALOGUE: &str = include_str!("run_pairs.toml");

const GATES: [&str; 4] = [
    "operator_runtime_enabled",
    "execute_enabled",
    "dry_run_only",
    "real_run_enabled",
];

/// How long the embedded server may take to stop after the last command.
const SERVER_STOPS: Duration = Duration::from_secs(30);

#[derive(Args)]
pub(crate) struct Options {
    /// The program that is measured.
    #[arg(long, default_value = "target/release/dotwrap")]
    dotwrap: PathBuf,
    /// Where its ledger and the files are; a folder in memory leaves the disk out.
    #[arg(long, default_value = "/dev/shm")]
    folder: PathBuf,
    /// How often each side gets its turn with the trivial pair; 0: not at all.
    #[arg(long, default_value_t = 41)]
    rounds: usize,
    /// How long the file is that is copied and compared, in MiB; 0: none is.
    #[arg(long, default_value_t = 4096)]
    file_mib: u64,
    /// How often each side gets its turn with the file.
    #[arg(long, default_value_t = 5)]
    file_rounds: usize,
}

/// What one turn took: by the clock, and of the processors.
#[derive(Clone, Copy)]
struct Turn {
    clock: Duration,
    processor: Duration,
}

/// A ledger of its own, with the pairs and open gates.
struct Bed {
    dotwrap: PathBuf,
    folder: tempfile::TempDir,
}

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let bed = Bed::lay(options)?;
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_header([
        "what",
        "bare, ms (processor)",
        "run, ms (processor)",
        "more, ms",
        "ratio",
    ]);
    if options.rounds > 0 {
        let bare = || bed.shell("/bin/echo made > \"$OUTPUT\" && /bin/true");
        let recorded = || bed.run("DOT_ECHO", None);
        let turns = in_turn(options.rounds, bare, recorded)?;
        table.add_row(row("/bin/echo and /bin/true", &turns));
    }
    if options.file_mib > 0 {
        let input = bed.path("input");
        write_input(&input, options.file_mib << 20)?;
        let script = "cp -- \"$INPUT\" \"$OUTPUT\" && sha256sum \"$OUTPUT\" && cmp -- \"$INPUT\" \"$OUTPUT\" && sha256sum \"$OUTPUT\"";
        let bare = || bed.shell(script);
        let recorded = || bed.run("DOT_CP", Some(&input));
        let turns = in_turn(options.file_rounds, bare, recorded)?;
        let what = format!("cp, cmp and sha256sum of {} MiB", options.file_mib);
        table.add_row(row(&what, &turns));
    }
    println!("{table}");
    Ok(())
}

/// One turn of each that does not count, for caches and the server that starts, then the turns.
fn in_turn(
    rounds: usize,
    bare: impl Fn() -> Result<Turn, Failure>,
    recorded: impl Fn() -> Result<Turn, Failure>,
) -> Result<Vec<[Turn; 2]>, Failure> {
    bare()?;
    recorded()?;
    (0..rounds).map(|_| Ok([bare()?, recorded()?])).collect()
}

fn row(what: &str, turns: &[[Turn; 2]]) -> [String; 5] {
    let middle = |of: &dyn Fn(&[Turn; 2]) -> f64| median(turns.iter().map(of).collect());
    let side = |index: usize| {
        let clock = middle(&|turn| milliseconds(turn[index].clock));
        let processor = middle(&|turn| milliseconds(turn[index].processor));
        format!("{clock:.1} ({processor:.1})")
    };
    // Of neighbours in time: whatever else the machine does hits both.
    let more = middle(&|[bare, run]| milliseconds(run.clock) - milliseconds(bare.clock));
    let ratio = middle(&|[bare, run]| run.clock.as_secs_f64() / bare.clock.as_secs_f64());
    let figures = [format!("{more:.1}"), format!("{ratio:.3}")];
    let [more, ratio] = figures;
    [what.to_owned(), side(0), side(1), more, ratio]
}

impl Bed {
    fn lay(options: &Options) -> Result<Self, Failure> {
        let dotwrap = options.dotwrap.canonicalize().map_err(|error| {
            format!(
                "{}: {error}; build it: cargo build --release -p dotwrap-cli",
                options.dotwrap.display()
            )
        })?;
        let folder = tempfile::Builder::new()
            .prefix("dotwrap-bench-")
            .tempdir_in(&options.folder)?;
        // The embedded server of root runs as another account, which has to get through.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711))?;
        let bed = Self { dotwrap, folder };
        let catalogue = bed.path("catalogue.toml");
        fs::write(&catalogue, CATALOGUE)?;
        bed.command(&["tools", "import"]).arg(catalogue).checked()?;
        for gate in GATES {
            bed.command(&[
                "gates",
                "open",
                gate,
                "--for",
                "2h",
                "--reason",
                "a benchmark",
            ])
            .checked()?;
        }
        Ok(bed)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.dotwrap);
        command.arg("--quiet").args(words);
        command
            .env_remove("DOTWRAP_DATABASE_URL")
            .env_remove("DATABASE_URL");
        command.env("DOTWRAP_HOME", self.path("home"));
        command
    }

    /// The whole command.
    fn run(&self, producer: &str, input: Option<&Path>) -> Result<Turn, Failure> {
        let mut command = self.command(&["run", producer, "--mode", "real-run"]);
        if let Some(input) = input {
            command.arg("--input").arg(input);
        }
        let turn = timed(&mut command)?;
        fs::remove_dir_all(self.path("home/runs"))?;
        Ok(turn)
    }

    /// The same programs, started by a shell.
    fn shell(&self, script: &str) -> Result<Turn, Failure> {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
            .env("INPUT", self.path("input"))
            .env("OUTPUT", self.path("output"));
        let turn = timed(&mut command)?;
        fs::remove_file(self.path("output"))?;
        Ok(turn)
    }
}

/// The server uses the files for some seconds after the last command.
impl Drop for Bed {
    fn drop(&mut self) {
        let running = self.path("home/embedded/data/postmaster.pid");
        let since = Instant::now();
        while running.exists() && since.elapsed() < SERVER_STOPS {
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

trait Checked {
    fn checked(&mut self) -> Result<(), Failure>;
}

impl Checked for Command {
    fn checked(&mut self) -> Result<(), Failure> {
        let status = self.stdout(Stdio::null()).status()?;
        match status.success() {
            true => Ok(()),
            false => Err(format!("{self:?} ended with {status}").into()),
        }
    }
}

fn timed(command: &mut Command) -> Result<Turn, Failure> {
    let before = processor()?;
    let began = Instant::now();
    command.checked()?;
    let clock = began.elapsed();
    Ok(Turn {
        clock,
        processor: processor()?.saturating_sub(before),
    })
}

/// The processor time of all that was waited for.
fn processor() -> Result<Duration, Failure> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    Ok(duration(usage.user_time()) + duration(usage.system_time()))
}

fn duration(time: TimeVal) -> Duration {
    let microseconds = time.tv_sec() * 1_000_000 + time.tv_usec();
    Duration::from_micros(microseconds.unsigned_abs())
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Bytes that no program can shorten.
fn write_input(path: &Path, length: u64) -> Result<(), Failure> {
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..length / 8 {
        // Xorshift.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        file.write_all(&state.to_le_bytes())?;
    }
    file.flush()?;
    Ok(())
}
