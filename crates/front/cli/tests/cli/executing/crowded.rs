//! The embedded server while every connection slot is taken: gates are closed all the same, and runs hear it.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::site::{ALL_GATES, CANDIDATE, PRODUCER, Pair, end, until};
use crate::home::Home;
use crate::support::wait;

/// A home with open gates and this many pairs, whose producers say that they run and then sleep. Each pair has a lease
/// of its own.
pub(super) fn home_with(pairs: usize) -> Home {
    home_with_producers(pairs, "sleep 120")
}

/// The same with producers that do this once they have said that they run; FOLDER is the desk's.
pub(super) fn home_with_producers(pairs: usize, then: &str) -> Home {
    let home = Home::new();
    let folder = home.desk.folder().display().to_string();
    let then = then.replace("FOLDER", &folder);
    for number in 0..pairs {
        let pair = Pair::of_producer(&format!(
            "echo $$ > {folder}/running-{number}; {then}; echo > '{{output}}'"
        ));
        let catalogue = pair.catalogue().replace(PRODUCER, &producer(number));
        home.desk
            .file(&format!("catalogue/{number}.toml"), &catalogue);
    }
    let text: String = (0..pairs)
        .map(|number| {
            let file = home.desk.folder().join(format!("catalogue/{number}.toml"));
            std::fs::read_to_string(file).unwrap()
        })
        .collect();
    home.desk.file("pairs.toml", &text);
    home.call(&["tools", "import", "pairs.toml"]).expect(0);
    home.call(&["candidates", "set", CANDIDATE, "--title", "A test"])
        .expect(0);
    for gate in ALL_GATES {
        home.call(&["gates", "open", gate, "--for", "30m", "--reason", "a test"])
            .expect(0);
    }
    home
}

fn producer(number: usize) -> String {
    format!("DOT_MAKE_{number}")
}

pub(super) fn start(home: &Home, number: usize) -> Child {
    let producer = producer(number);
    let words = [
        "run",
        &producer,
        "--candidate",
        CANDIDATE,
        "--mode",
        "real-run",
        "--output",
        "json",
    ];
    home.command(&words)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

pub(super) fn wait_until_running(home: &Home, pairs: usize, started: &mut [Child]) {
    for number in 0..pairs {
        let file = home.desk.folder().join(format!("running-{number}"));
        until(|| {
            for child in started.iter_mut() {
                if let Some(status) = child.try_wait().unwrap() {
                    let mut said = String::new();
                    child
                        .stderr
                        .take()
                        .unwrap()
                        .read_to_string(&mut said)
                        .unwrap();
                    panic!("a run ended early, {status}: {said}");
                }
            }
            file.exists().then_some(())
        });
    }
}

pub(super) fn close_gates(home: &Home) -> Duration {
    let begun = Instant::now();
    home.call(&["gates", "close", "execute_enabled", "--reason", "the brake"])
        .expect(0);
    begun.elapsed()
}

fn expect_stopped(started: Vec<Child>) {
    for child in started {
        let record = end(child).expect(1).json();
        assert_eq!(record["status"], "cancelled", "{record}");
        assert!(record.to_string().contains("gate"), "{record}");
    }
}

pub(super) fn history(home: &Home) -> Value {
    let words = [
        "gates",
        "history",
        "execute_enabled",
        "--limit",
        "1",
        "--output",
        "json",
    ];
    home.call(&words).expect(0).json()
}

/// Asks the embedded server as its superuser.
fn ask(home: &Home, query: &str) -> i64 {
    let folder = home.folder().join("embedded");
    let passwords = std::fs::read_to_string(folder.join("passwords")).unwrap();
    let password = passwords
        .lines()
        .find_map(|line| line.strip_prefix("*:*:*:postgres:"))
        .unwrap();
    let mut config = tokio_postgres::Config::new();
    config
        .host_path(folder.join("socket"))
        .user("postgres")
        .dbname("dotwrap")
        .password(password);
    wait(async {
        let (client, connection) = config.connect(tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client.query_one(query, &[]).await.unwrap().get(0)
    })
}

/// The sessions of the usual account.
fn sessions(home: &Home) -> i64 {
    let query = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'dotwrap'";
    ask(home, query)
}

#[test]
fn fifty_runs_at_once_hold_one_connection_each_and_a_closed_gate_stops_all() {
    const RUNS: usize = 50;
    let home = home_with(RUNS);
    let mut started: Vec<Child> = (0..RUNS).map(|number| start(&home, number)).collect();
    wait_until_running(&home, RUNS, &mut started);
    // Those that were opened to begin the runs are closed when they are idle.
    let most = i64::try_from(RUNS).unwrap() + 5;
    until(|| (sessions(&home) <= most).then_some(()));
    close_gates(&home);
    expect_stopped(started);
    home.call(&["verify"]).expect(0);
}

/// Takes connections that it never authenticates, as fast as the server lets go of them.
struct Flood {
    is_over: Arc<AtomicBool>,
    floods: Vec<JoinHandle<()>>,
}

impl Flood {
    fn of(socket: PathBuf) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let floods = (0..2).map(|_| {
            let (socket, is_over) = (socket.clone(), Arc::clone(&is_over));
            std::thread::spawn(move || {
                let mut held = Vec::new();
                while !is_over.load(Ordering::SeqCst) {
                    match take_slot(&socket) {
                        Some(connection) => held.push(connection),
                        None => std::thread::sleep(Duration::from_millis(20)),
                    }
                    if held.len() > 450 {
                        held.drain(..100);
                    }
                }
            })
        });
        Self {
            floods: floods.collect(),
            is_over,
        }
    }

    fn end(self) {
        self.is_over.store(true, Ordering::SeqCst);
        for flood in self.floods {
            flood.join().unwrap();
        }
    }
}

/// A connection that the server asks for a password, and that does not answer; none where the server refuses.
fn take_slot(socket: &Path) -> Option<UnixStream> {
    let mut connection = UnixStream::connect(socket).ok()?;
    connection
        .set_read_timeout(Some(Duration::from_secs(2)))
        .unwrap();
    let parameters = b"\0\x03\0\0user\0dotwrap\0database\0dotwrap\0\0";
    let length = u32::try_from(parameters.len() + 4).unwrap().to_be_bytes();
    connection.write_all(&length).ok()?;
    connection.write_all(parameters).ok()?;
    let mut kind = [0];
    connection.read_exact(&mut kind).ok()?;
    (kind[0] == b'R').then_some(connection)
}

#[test]
fn a_gate_is_closed_and_a_run_stopped_while_every_slot_of_the_server_is_taken() {
    let home = home_with(1);
    let mut started = vec![start(&home, 0)];
    wait_until_running(&home, 1, &mut started);
    let socket = home.folder().join("embedded/socket/.s.PGSQL.5432");
    let flood = Flood::of(socket.clone());
    // Full: every login is refused, the superuser included.
    until(|| take_slot(&socket).is_none().then_some(()));

    let took = close_gates(&home);
    assert!(took < Duration::from_secs(30), "{took:?}");
    // It is recorded as well, though the server still takes no connection.
    let begun = Instant::now();
    until(|| started[0].try_wait().unwrap());
    assert!(begun.elapsed() < Duration::from_secs(30));
    flood.end();
    let last = until(|| {
        let answer = home.call(&["gates", "history", "--output", "json"]);
        (answer.status == 0).then(|| history(&home))
    });
    assert_eq!(last[0]["value"], "false", "{last}");
    assert_eq!(last[0]["actor"], "tester", "{last}");
    assert_eq!(last[0]["reason"], "the brake", "{last}");
    let shown = home.call(&["runs", "show", "last", "--output", "json"]);
    let shown = shown.expect(0).json();
    assert_eq!(shown["run"]["status"], "cancelled", "{shown}");
}

#[test]
fn operators_have_sessions_of_their_own_when_the_usual_account_has_none_left() {
    let home = home_with(1);
    let limit = "SELECT rolconnlimit::bigint FROM pg_roles WHERE rolname = 'dotwrap'";
    let most = "SELECT setting::bigint FROM pg_settings WHERE name = 'max_connections'";
    assert!(ask(&home, limit) + 10 < ask(&home, most));
    // As if runs had them all.
    let none = "WITH changed AS (UPDATE pg_authid SET rolconnlimit = 0 WHERE rolname = 'dotwrap' RETURNING 1)
                SELECT count(*) FROM changed";
    assert_eq!(ask(&home, none), 1);
    let refused = home.call(&["ladder", "--output", "json"]).expect(4);
    assert_eq!(refused.failure()["code"], "busy");
    home.call(&["gates"]).expect(0);
    home.call(&["doctor"]).expect(0);
    close_gates(&home);
    let last = history(&home);
    assert_eq!(last[0]["value"], "false", "{last}");
    assert_eq!(last[0]["recorded_by"], "dotwrap_reserve", "{last}");
}

#[test]
fn the_keeper_closes_a_gate_on_its_own_connection_where_no_account_has_a_session_left() {
    let home = home_with(1);
    let mut started = vec![start(&home, 0)];
    wait_until_running(&home, 1, &mut started);
    let kept = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'dotwrap-keeper'";
    until(|| (ask(&home, kept) == 1).then_some(()));
    let none = "WITH changed AS (UPDATE pg_authid SET rolconnlimit = 0 WHERE rolname LIKE 'dotwrap%' RETURNING 1)
                SELECT count(*) FROM changed";
    assert_eq!(ask(&home, none), 2);
    let busy = home
        .call(&["gates", "--output", "json"])
        .expect(4)
        .failure();
    assert_eq!(busy["code"], "busy");
    assert!(
        busy["hint"].as_str().unwrap().contains("gates close"),
        "{busy}"
    );
    let unknown = [
        "gates",
        "close",
        "no_such_gate",
        "--reason",
        "r",
        "-q",
        "--output",
        "json",
    ];
    let refused = home.call(&unknown).expect(2).failure();
    assert_eq!(refused["code"], "gate_unknown");
    let close = ["gates", "close", "execute_enabled", "--reason", "the brake"];
    let closed = home.call(&close).expect(0);
    assert!(
        closed.messages.contains("keeper is asked"),
        "{}",
        closed.messages
    );
    // The run is stopped, and recorded on the connection that it keeps.
    until(|| started[0].try_wait().unwrap());
    let stopped = "SELECT count(*) FROM dot.v_process_run WHERE status = 'cancelled'";
    assert_eq!(ask(&home, stopped), 1);
    let recorded = "SELECT count(*) FROM dot.v_dot_gate_history
                    WHERE actor = 'tester' AND reason = 'the brake' AND recorded_by = 'dotwrap_reserve'";
    assert_eq!(ask(&home, recorded), 1);
}

#[test]
fn a_run_waits_for_a_connection_instead_of_failing_at_once() {
    let home = home_with_producers(1, "true");
    let limited = |limit: i32| {
        let set = format!(
            "WITH changed AS (UPDATE pg_authid SET rolconnlimit = {limit} WHERE rolname = 'dotwrap' RETURNING 1)
             SELECT count(*) FROM changed"
        );
        assert_eq!(ask(&home, &set), 1);
    };
    limited(0);
    let mut run = start(&home, 0);
    let stderr = run.stderr.as_mut().unwrap();
    let mut said = Vec::new();
    while !String::from_utf8_lossy(&said).contains("waiting for a connection") {
        let mut byte = [0];
        let read = stderr.read(&mut byte).unwrap();
        assert_eq!(read, 1, "it ended: {}", String::from_utf8_lossy(&said));
        said.extend(byte);
    }
    limited(-1);
    end(run).expect(0);
}

/// Every process of the embedded server gets this signal.
fn signal_server(home: &Home, signal: Signal) {
    let file = home.folder().join("embedded/data/postmaster.pid");
    let text = std::fs::read_to_string(file).unwrap();
    let server: i32 = text.lines().next().unwrap().parse().unwrap();
    let children = std::fs::read_to_string(format!("/proc/{server}/task/{server}/children"));
    let children = children.unwrap_or_default();
    let children = children.split_whitespace().map(|pid| pid.parse().unwrap());
    for pid in std::iter::once(server).chain(children) {
        let _ = kill(Pid::from_raw(pid), signal);
    }
}

#[test]
fn a_server_that_is_stopped_is_unreachable_and_named() {
    let home = home_with(1);
    let mut started = vec![start(&home, 0)];
    wait_until_running(&home, 1, &mut started);
    signal_server(&home, Signal::SIGSTOP);
    let close = [
        "gates",
        "close",
        "execute_enabled",
        "--reason",
        "r",
        "-q",
        "--output",
        "json",
    ];
    let closing = home.call(&close);
    let looking = home.call(&["gates", "-q", "--output", "json"]);
    signal_server(&home, Signal::SIGCONT);
    let failure = closing.expect(69).failure();
    assert!(
        failure["hint"].as_str().unwrap().contains("NOT closed"),
        "{failure}"
    );
    let failure = looking.expect(69).failure();
    assert!(
        failure["message"].as_str().unwrap().contains("kill -CONT"),
        "{failure}"
    );
    close_gates(&home);
    expect_stopped(started);
}
