//! What is killed or cut.

mod connection;
mod dotwrap;
mod postgresql;
mod worker;

use std::collections::BTreeMap;
use std::fmt;

use crate::invariants::Violations;
use crate::plan::Plan;
use crate::recovery::Found;

/// What is killed or cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Campaign {
    /// `dotwrap run` is killed.
    Dotwrap,
    /// `dotwrap worker` is killed, and sometimes PostgreSQL with it.
    Worker,
    /// PostgreSQL is killed under runs in flight, and started again.
    Postgresql,
    /// The connection is cut at a message.
    Connection,
}

/// The statistics of a campaign.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    /// The number of crashes.
    pub crashes: usize,
    /// The number of crashes at their intended point.
    pub in_time: usize,
    /// The number of child processes that had to notice a kill by themselves.
    pub orphans: usize,
    /// The states of the runs.
    pub found: BTreeMap<&'static str, usize>,
}

impl Campaign {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Dotwrap,
        Self::Worker,
        Self::Postgresql,
        Self::Connection,
    ];

    /// The number of kills of this campaign; there are as many cuts as kills.
    #[must_use]
    pub fn share_of(self, kills: usize) -> usize {
        let tenths = match self {
            Self::Dotwrap => 6,
            Self::Worker | Self::Postgresql => 2,
            Self::Connection => 10,
        };
        (kills * tenths).div_ceil(10)
    }

    /// Executes the planned crashes, and checks all invariants after each.
    ///
    /// # Panics
    /// On a violated invariant, with the command that reproduces it.
    pub async fn run(self, plan: &Plan) -> Stats {
        eprintln!("{self}: seed {}, rounds {:?}", plan.seed, plan.rounds);
        let tally = match self {
            Self::Dotwrap => dotwrap::run(plan).await,
            Self::Worker => worker::run(plan).await,
            Self::Postgresql => postgresql::run(plan).await,
            Self::Connection => connection::run(plan).await,
        };
        eprintln!("{self}: {tally}");
        tally
    }

    /// Panics where there are findings.
    fn expect_none(self, plan: &Plan, rounds: &[usize], what: &str, complaints: &Violations) {
        assert!(
            complaints.is_empty(),
            "{self}, seed {}, rounds {rounds:?}: {what}\n- {}",
            plan.seed,
            complaints.join("\n- ")
        );
        if let (Some(first), Some(last)) = (rounds.first(), rounds.last()) {
            eprintln!("{self}: rounds {first} to {last} hold");
        }
    }
}

impl fmt::Display for Campaign {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Dotwrap => "dotwrap killed",
            Self::Worker => "worker killed",
            Self::Postgresql => "PostgreSQL killed",
            Self::Connection => "connection cut",
        })
    }
}

impl Stats {
    fn add(&mut self, found: Found) {
        for (state, count) in found {
            *self.found.entry(state).or_default() += count;
        }
    }

    fn crash(&mut self, in_time: bool) {
        self.crashes += 1;
        self.in_time += usize::from(in_time);
    }

    /// How many runs were found in a state.
    #[must_use]
    pub fn count(&self, state: &str) -> usize {
        self.found.get(state).copied().unwrap_or(0)
    }
}

impl fmt::Display for Stats {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} crashes, {} in time, {} orphans; runs found",
            self.crashes, self.in_time, self.orphans
        )?;
        for (state, count) in &self.found {
            write!(formatter, " · {state} {count}")?;
        }
        Ok(())
    }
}
