//! What the process that starts `dotwrap` leaves to it: signals that are ignored or blocked, limits, and a kernel
//! without a sandbox.

use std::net::Shutdown;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use dotwrap_testkit::{Kernel, with_kernel};
use nix::sys::signal::Signal;
use nix::unistd::Uid;
use serde_json::json;

use super::site::{Pair, Site, end, is_running, signal, until};
use crate::support::Answer;

/// The program, started by this one, which ends with `exec "$@"` or its like.
fn started_by(site: &Site, starter: &[&str], words: &[&str]) -> Command {
    let plain = site.0.command(words);
    let mut command = Command::new(starter[0]);
    command.args(&starter[1..]);
    command.arg(plain.get_program()).args(plain.get_args());
    command.current_dir(plain.get_current_dir().unwrap());
    command
        .env_clear()
        .envs(plain.get_envs().map(|(name, value)| (name, value.unwrap())));
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A shell that ignores these signals, as what it executes does then.
fn ignoring(signals: &str) -> Vec<String> {
    let script = format!("trap '' {signals}; exec \"$@\"");
    ["sh", "-c", &script, "sh"].map(str::to_owned).to_vec()
}

fn blocking(signal: &str) -> Vec<String> {
    let script = format!(
        "use POSIX; sigprocmask(SIG_BLOCK, POSIX::SigSet->new(POSIX::{signal})); exec @ARGV"
    );
    ["perl", "-e", &script].map(str::to_owned).to_vec()
}

fn words(of: &[String]) -> Vec<&str> {
    of.iter().map(String::as_str).collect()
}

const SIGNALS_OF_TOOL: &str = "sh -c 'grep -E \"^Sig(Ign|Blk)\" /proc/self/status' > '{output}'";

/// Blocked and ignored, one bit a signal. Without the two that are the C library's own.
fn signals_in(file: &std::path::Path) -> (u64, u64) {
    let text = std::fs::read_to_string(file).unwrap();
    let masks = text.lines().filter_map(|line| line.split_once(":\t"));
    let masks: Vec<u64> = masks
        .map(|(_, mask)| u64::from_str_radix(mask, 16).unwrap() & !(3 << 31))
        .collect();
    (masks[0], masks[1])
}

#[test]
fn a_run_completes_where_the_end_of_children_was_ignored() {
    let site = Site::with(&Pair::of_producer(SIGNALS_OF_TOOL));
    for mode in ["dry-run", "real-run"] {
        let starter = ignoring("CHLD USR1 XFSZ TERM");
        let mut run = started_by(&site, &words(&starter), &Site::words(mode, &[]));
        let run = Answer::of(&mut run).expect(0).json();
        let output = std::path::Path::new(run["folder"].as_str().unwrap()).join("producer/output");
        assert_eq!(signals_in(&output), (0, 0), "{mode}");
    }
}

#[test]
fn a_tool_ignores_what_was_ignored_on_purpose() {
    let site = Site::with(&Pair::of_producer(SIGNALS_OF_TOOL));
    let starter = ignoring("HUP");
    let mut run = started_by(&site, &words(&starter), &Site::words("dry-run", &[]));
    let run = Answer::of(&mut run).expect(0).json();
    let output = std::path::Path::new(run["folder"].as_str().unwrap()).join("producer/output");
    assert_eq!(signals_in(&output), (0, 1));
}

/// Says that it runs, and goes on until it is let go.
const WAITS: &str = "echo $$ > '{input}.new'; mv '{input}.new' '{input}'; until test -e '{input}.go'; do sleep 0.05; done; echo > '{output}'";

#[test]
fn a_signal_that_was_ignored_when_it_was_started_stops_nothing() {
    for (name, ignored) in [
        ("HUP", Signal::SIGHUP),
        ("INT", Signal::SIGINT),
        ("QUIT", Signal::SIGQUIT),
    ] {
        let site = Site::with(&Pair::of_producer(WAITS));
        let input = site.path("process").to_str().unwrap().to_owned();
        let starter = ignoring(name);
        let asked = Site::words("real-run", &["--input", &input]);
        let run = started_by(&site, &words(&starter), &asked).spawn().unwrap();
        let tool = site.process_in("process");
        let supervisor = parent(tool.as_raw());
        for _ in 0..3 {
            signal(&run, ignored);
            nix::sys::signal::kill(nix::unistd::Pid::from_raw(supervisor), ignored).unwrap();
        }
        site.file("process.go", "");
        assert_eq!(end(run).expect(0).json()["status"], "completed");
    }
}

fn parent(process: i32) -> i32 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    fields.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_signal_that_was_blocked_when_it_was_started_is_heard() {
    let site = Site::with(&Pair::of_producer(WAITS));
    let input = site.path("process").to_str().unwrap().to_owned();
    let starter = blocking("SIGTERM");
    let asked = Site::words("real-run", &["--input", &input]);
    let run = started_by(&site, &words(&starter), &asked).spawn().unwrap();
    let tool = site.process_in("process");
    signal(&run, Signal::SIGTERM);
    let run = end(run).expect(1).json();
    assert_eq!(run["error_ref"], "producer: interrupted");
    until(|| (!is_running(tool)).then_some(()));
}

/// The database's address behind a socket that every account may use: the server's own is closed to others.
fn through(site: &Site, folder: PathBuf) -> String {
    let url = site.0.database.url_as(site.0.database.owner());
    let (before, server) = url.split_once("host=").unwrap();
    let server = Path::new(server).join(".s.PGSQL.5432");
    std::fs::create_dir(&folder).unwrap();
    let path = folder.join(".s.PGSQL.5432");
    let listener = UnixListener::bind(&path).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o777)).unwrap();
    thread::spawn(move || {
        for near in listener.incoming() {
            let (near, far) = (near.unwrap(), UnixStream::connect(&server).unwrap());
            for (mut from, mut to) in [
                (near.try_clone().unwrap(), far.try_clone().unwrap()),
                (far, near),
            ] {
                thread::spawn(move || {
                    let _ = std::io::copy(&mut from, &mut to);
                    let _ = to.shutdown(Shutdown::Write);
                });
            }
        }
    });
    format!("{before}host={}", folder.display())
}

/// Of an account that runs nothing else, or the limit would not be the test's.
const ACCOUNT: u32 = 54_321;

#[test]
fn at_its_limit_of_processes_a_run_is_refused_or_concluded() {
    if !Uid::effective().is_root() {
        return;
    }
    let site = Site::with(&Pair::default());
    let input = site.file("input", "text");
    let folder = site.path("runs");
    std::fs::create_dir(&folder).unwrap();
    std::fs::set_permissions(site.path("."), PermissionsExt::from_mode(0o755)).unwrap();
    chown(&folder, Some(ACCOUNT), Some(ACCOUNT)).unwrap();
    let url = through(&site, site.path("server"));
    let mut completed = 0;
    for most in 1..40 {
        let account = ACCOUNT.to_string();
        let limit = format!("--nproc={most}");
        let starter = [
            "setpriv",
            "--reuid",
            &account,
            "--regid",
            &account,
            "--clear-groups",
            "prlimit",
            &limit,
            "--",
        ];
        let mode = if most % 2 == 0 { "real-run" } else { "dry-run" };
        let mut run = started_by(&site, &starter, &Site::words(mode, &["--input", &input]));
        let run = run.env("DATABASE_URL", &url).output().unwrap();
        let said = String::from_utf8_lossy(&run.stderr).into_owned();
        let status = run.status.code();
        assert!(!said.contains("panicked"), "{most}: {said}");
        assert!(
            matches!(status, Some(0 | 1 | 69)),
            "{most}: {status:?} {said}"
        );
        let lease = site.lease();
        assert!(lease.is_null() || lease == "free", "{most}: {lease} {said}");
        assert!(
            site.runs().iter().all(|run| run["status"] != "started"),
            "{most}: {said}"
        );
        if status == Some(0) {
            completed += 1;
            if completed == 2 {
                return;
            }
        }
    }
    panic!("no run was completed");
}

#[test]
fn without_a_sandbox_a_dry_run_says_so_everywhere() {
    with_kernel(Kernel::WithoutLandlock, || {
        let site = Site::with(&Pair::default());
        let input = site.file("input", "text");
        let answer = site.run("dry-run", &["--input", &input]).expect(0);
        assert!(
            answer.messages.contains("NO COMPLETE SANDBOX"),
            "{}",
            answer.messages
        );
        assert_eq!(answer.json()["sandbox_incomplete"], json!(true));
        assert_eq!(
            site.runs()[0]["evidence_ref"]["sandbox_incomplete"],
            json!(true)
        );
        assert_eq!(site.evidence(1)["sandbox_incomplete"], json!(true));
        for (asked, status, word) in [
            (&["runs", "ls"][..], 0, "DRY RUN, no sandbox"),
            (&["runs", "show", "last"], 0, "NO COMPLETE SANDBOX"),
            (&["doctor"], 0, "the sandbox for dry runs is incomplete"),
        ] {
            let shown = site.0.call(asked).expect(status).output;
            assert!(shown.contains(word), "{shown}");
        }
        let real = site.run("real-run", &["--input", &input]).expect(0);
        assert!(!real.messages.contains("SANDBOX"), "{}", real.messages);
        assert_eq!(real.json()["sandbox_incomplete"], json!(false));
    });
}

#[test]
fn where_a_sandbox_is_required_a_dry_run_without_one_is_refused_before_anything_is_recorded() {
    with_kernel(Kernel::WithoutLandlock, || {
        let site = Site::with(&Pair::default());
        let input = site.file("input", "text");
        let asked = Site::words("dry-run", &["--input", &input]);
        for value in ["true", "perhaps"] {
            let mut run = site.0.command(&asked);
            let answer = Answer::of(run.env("DOTWRAP_REQUIRE_SANDBOX", value));
            assert_ne!(answer.status, 0, "{value}");
            let word = match value {
                "true" => "sandbox_unavailable",
                _ => "DOTWRAP_REQUIRE_SANDBOX",
            };
            assert!(answer.messages.contains(word), "{}", answer.messages);
        }
        assert!(site.runs().is_empty());
        site.0.desk.file("dotwrap.toml", "require_sandbox = true\n");
        let refused = site.run("dry-run", &["--input", &input]);
        assert_eq!(
            refused.failure()["code"],
            "sandbox_unavailable",
            "{}",
            refused.messages
        );
        site.0.call(&["doctor"]).expect(1);
        site.run("real-run", &["--input", &input]).expect(0);
    });
}

/// A project's file may ask for a sandbox, as above; what the user asked for it does not take back.
#[test]
fn a_projects_file_does_not_switch_off_the_sandbox_that_the_user_requires() {
    with_kernel(Kernel::WithoutLandlock, || {
        let site = Site::with(&Pair::default());
        let input = site.file("input", "text");
        let own = ".config/dotwrap/dotwrap.toml";
        site.file(own, "require_sandbox = true\n");
        for project in ["", "require_sandbox = false\n", "require_sandbox = true\n"] {
            site.file("dotwrap.toml", project);
            let refused = site.run("dry-run", &["--input", &input]);
            let code = &refused.failure()["code"];
            assert_eq!(*code, "sandbox_unavailable", "{project}");
        }
        // The user can, by the environment or in a file that is named.
        let words = Site::words("dry-run", &["--input", &input]);
        let mut run = site.0.command(&words);
        Answer::of(run.env("DOTWRAP_REQUIRE_SANDBOX", "false")).expect(0);
        site.file("dotwrap.toml", "require_sandbox = false\n");
        let mut run = site.0.command(&words);
        Answer::of(run.env("DOTWRAP_CONFIG", "dotwrap.toml")).expect(0);
        // One that the user switched off, a project can still ask for.
        site.file(own, "require_sandbox = false\n");
        site.file("dotwrap.toml", "require_sandbox = true\n");
        site.run("dry-run", &["--input", &input]).expect(3);
        assert_eq!(site.runs().len(), 2);
    });
}

#[test]
fn without_proc_a_run_is_refused_and_says_so() {
    if !Uid::effective().is_root() {
        return;
    }
    let site = Site::with(&Pair::default());
    let input = site.file("input", "text");
    let script = "mount -t tmpfs none /proc && exec \"$@\"";
    let starter = ["unshare", "-m", "sh", "-c", script, "sh"];
    let asked = Site::words("dry-run", &["--input", &input]);
    let answer = Answer::of(&mut started_by(&site, &starter, &asked));
    let failure = answer.failure();
    assert_eq!(failure["code"], "system_unusable", "{failure}");
    assert!(failure["message"].as_str().unwrap().contains("/proc"));
    assert!(site.runs().is_empty());
}

#[test]
fn setting_a_verifier_that_is_not_told_where_the_output_is_warns() {
    let site = Site::closed(&Pair::default());
    let contract = |argument: &str| {
        format!(
            "[[contract]]\ndot_code = \"DOT_MAKE_CHECK\"\nmode = \"DRY_RUN\"\nno_mutation_assertion = true\n\
             output_namespace = \"DRYRUN-NS:test\"\nendpoint_ref = \"command:true\"\n\
             [contract.invocation]\nargv = [\"true\", \"{argument}\"]\n"
        )
    };
    for (argument, warns) in [("now", true), ("{output}", false)] {
        site.file("contract.toml", &contract(argument));
        let answer = site
            .0
            .call(&["contract", "set", "contract.toml", "--reason", "a test"])
            .expect(0);
        assert_eq!(
            answer.messages.contains("uses {output}"),
            warns,
            "{}",
            answer.messages
        );
    }
}
