//! One call of `dotwrap run`, and what it acknowledged.

use std::collections::BTreeSet;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value as Json;
use tokio::process::Child;
use tokio::time::timeout;
use uuid::Uuid;

use crate::fixture::{CommandOutput, Fixture, LEASE_TTL, WAIT_TIMEOUT, word};
use crate::processes::{self, Process};
use crate::tools::{self, CANDIDATE};

/// The arguments of a run.
#[derive(Clone, Debug)]
pub(crate) struct RunSpec {
    pub(crate) pair: usize,
    pub(crate) mode: &'static str,
    pub(crate) key: String,
    pub(crate) run: Uuid,
}

/// A running process.
pub(crate) struct Attempt {
    pub(crate) order: RunSpec,
    pub(crate) child: Child,
    said: CommandOutput,
    /// Its observed child processes.
    started: BTreeSet<Process>,
}

/// The result of an ended attempt.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    pub(crate) order: RunSpec,
    pub(crate) said: CommandOutput,
    pub(crate) started: BTreeSet<Process>,
    /// None where it was killed.
    pub(crate) status: Option<i32>,
}

/// The acknowledged commits.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Acknowledged {
    /// The header and the producer's receipt.
    pub(crate) begun: bool,
    /// The producer's row and the verifier's receipt.
    pub(crate) produced: bool,
    /// The whole record.
    pub(crate) record: Option<Json>,
}

impl RunSpec {
    pub(crate) fn new(dice: &mut fastrand::Rng, pair: usize, key: String) -> Self {
        let modes = ["real-run", "dry-run"];
        Self {
            pair,
            mode: modes[usize::from(dice.u8(..4) == 0)],
            key,
            run: Uuid::now_v7(),
        }
    }

    fn words(&self) -> Vec<String> {
        let ttl = LEASE_TTL.to_string();
        let producer = tools::producer(self.pair);
        [
            "run",
            &producer,
            "--mode",
            self.mode,
            "--candidate",
            CANDIDATE,
            "--key",
            &self.key,
            "--lease-ttl",
            &ttl,
            "--runs-folder",
            "runs",
            "--output",
            "json",
        ]
        .map(str::to_owned)
        .to_vec()
    }

    /// Another run of the same pair.
    pub(crate) fn spawn_concurrent(&self) -> Self {
        Self {
            key: format!("{}-rival", self.key),
            run: Uuid::now_v7(),
            ..self.clone()
        }
    }

    /// Starts it.
    pub(crate) fn start(self, site: &Fixture, url: &str) -> Attempt {
        let input = site.input();
        let run = self.run.to_string();
        let words = self.words();
        let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
        words.extend(["--input", word(&input), "--run-id", &run]);
        let (mut command, said) = site.command(&words, url);
        Attempt {
            order: self,
            child: command.spawn().unwrap(),
            said,
            started: BTreeSet::new(),
        }
    }

    /// Repeats the same run by its key.
    pub(crate) async fn again(&self, site: &Fixture) -> CommandOutput {
        let input = site.input();
        let words = self.words();
        let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
        words.extend(["--input", word(&input)]);
        let (mut command, said) = site.command(&words, &site.server.url());
        timeout(WAIT_TIMEOUT, command.status())
            .await
            .unwrap()
            .unwrap();
        said
    }
}

impl Attempt {
    pub(crate) fn is_over(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends SIGSTOP, and SIGCONT later.
    pub(crate) fn pause(&self, is_paused: bool) {
        let signal = if is_paused {
            Signal::SIGSTOP
        } else {
            Signal::SIGCONT
        };
        if let Some(id) = self.child.id() {
            kill(Pid::from_raw(id.try_into().unwrap()), signal).unwrap();
        }
    }

    /// Kills only this process: its children have to notice.
    pub(crate) async fn kill_9(mut self) -> Ended {
        if let Some(id) = self.child.id() {
            self.started = processes::descendants(id.try_into().unwrap());
        }
        let _gone_already = self.child.start_kill();
        self.wait().await
    }

    /// Waits until it ends by itself.
    pub(crate) async fn wait(mut self) -> Ended {
        let status = timeout(WAIT_TIMEOUT, self.child.wait()).await;
        let status = status.unwrap_or_else(|_| {
            let said = self.said.text();
            panic!("{:?} does not come to an end: {said}", self.order)
        });
        Ended {
            order: self.order,
            said: self.said,
            started: self.started,
            status: status.unwrap().code(),
        }
    }
}

impl Ended {
    /// Its output before it ended. An incomplete line is ignored.
    pub(crate) fn acknowledged(&self) -> Acknowledged {
        let messages = self.said.of_messages();
        let whole = messages.split_inclusive('\n').filter_map(|line| {
            let line = line.strip_suffix('\n')?;
            Some(line.trim())
        });
        let mut acknowledged = Acknowledged {
            record: self.said.json(),
            ..Acknowledged::default()
        };
        let begun = format!("begun {}", self.order.run);
        let produced = format!("calling {}, the verifier", tools::verifier(self.order.pair));
        for line in whole {
            acknowledged.begun |= line == begun;
            acknowledged.produced |= line == produced;
        }
        acknowledged
    }
}
