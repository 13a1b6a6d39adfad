//! `runs watch`.

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::Installation;

/// A watch that goes on while the test does other things.
struct Watch {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Watch {
    fn of(installation: &Installation) -> Self {
        let mut child = installation
            .command(&["runs", "watch", "--every", "0.1", "-q"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The next line, once it is there.
    fn line(&mut self) -> String {
        self.lines.next().unwrap().unwrap()
    }

    fn interrupt(&self) {
        let id = i32::try_from(self.child.id()).unwrap();
        kill(Pid::from_raw(id), Signal::SIGINT).unwrap();
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn watching_one_run_ends_when_the_run_has_ended() {
    let installation = Installation::with_catalogue();
    installation
        .simulate(&["--correlation", "watched"])
        .expect(0);
    let answer = installation.call(&["runs", "watch", "watched"]).expect(0);
    assert!(answer.output.contains("watched"), "{}", answer.output);
}

#[test]
fn watching_prints_a_run_as_soon_as_it_is_recorded() {
    let installation = Installation::with_catalogue();
    let mut watch = Watch::of(&installation);
    installation.simulate(&[]).expect(0);
    let line = watch.line();
    assert!(
        line.contains("DOT_SHA256SUM") && line.contains("SIMULATED_DRY_RUN"),
        "{line}"
    );
}

#[test]
fn only_the_last_ten_of_the_runs_before_are_shown() {
    let installation = Installation::with_catalogue();
    let rows: String = (1..=15)
        .map(|number| {
            format!(
                r#"{{"dot_code":"DOT_GZIP","process_candidate_code":"C","correlation_id":"old-{number}"}}"#
            ) + "\n"
        })
        .collect();
    installation.desk.file("rows.jsonl", &rows);
    installation
        .call(&["backfill", "rows.jsonl", "--source", "a test"])
        .expect(0);
    let mut watch = Watch::of(&installation);
    for _ in 0..10 {
        let line = watch.line();
        assert!(line.contains("DOT_GZIP"), "{line}");
    }
    installation.simulate(&[]).expect(0);
    let line = watch.line();
    assert!(line.contains("DOT_SHA256SUM"), "{line}");
}

#[test]
fn an_interruption_is_heard_while_the_database_has_not_answered() {
    let installation = Installation::with_catalogue();
    installation.simulate(&[]).expect(0);
    let mut watch = Watch::of(&installation);
    watch.line();
    let _lock = installation.lock("process_run_observation");
    installation.waiting_session();
    watch.interrupt();
    assert_eq!(watch.child.wait().unwrap().code(), Some(0));
}
