//! Both sides in turn, so that whatever else the machine does hits them alike.

use std::{sync::Arc, time::Duration};

use clap::Parser;
use comfy_table::{Table, presets::ASCII_MARKDOWN};
use dotwrap_bench::{
    Failure,
    measure::{Contend, median, rate},
};
use dotwrap_testkit::Relay;

use crate::{
    bed::{Bed, Place},
    runs::{self, Runs},
    workflows::Workflows,
};

/// Connections beside one for each worker, for whatever else a side does: looking at gates, listening.
const SPARE_CONNECTIONS: usize = 2;

/// How long each side runs before it counts.
const WARMING: Duration = Duration::from_secs(4);

/// How many runs the round trips and commits are counted of.
const COUNTED: u32 = 500;

/// Executed runs per second, side by side with a durable workflow of two steps.
#[derive(Parser)]
#[command(about, version)]
pub(crate) struct Options {
    /// How many runs are in flight at once, each of a pair of its own.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 8, 16])]
    in_flight: Vec<usize>,
    /// How often each side gets its turn.
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// How long a turn is, in milliseconds.
    #[arg(long, default_value_t = 1500)]
    slice: u64,
}

/// One turn of each side, runs per second.
struct Round {
    runs: f64,
    workflows: f64,
}

pub(crate) async fn run(options: Options) -> Result<(), Failure> {
    let bed = Bed::lay().await?;
    let most = options.in_flight.iter().copied().max().unwrap_or(1);
    runs::install(&bed.of_runs(), most).await?;
    println!("{}", executed_run_cost(&bed).await?);
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_header([
        "in flight",
        "executed runs/s (median)",
        "dbos workflows/s (median)",
        "ratio (median of rounds)",
    ]);
    let slice = Duration::from_millis(options.slice);
    for in_flight in options.in_flight {
        let rounds = one_concurrency(&bed, in_flight, options.rounds, slice).await?;
        let of = |figure: fn(&Round) -> f64| median(rounds.iter().map(figure).collect());
        table.add_row([
            in_flight.to_string(),
            format!("{:.0}", of(|round| round.runs)),
            format!("{:.0}", of(|round| round.workflows)),
            // Each round's ratio is of neighbours in time; its median shrugs off the odd disturbed one.
            format!("{:.2}", of(|round| round.runs / round.workflows)),
        ]);
    }
    println!("{table}");
    bed.clear().await
}

async fn one_concurrency(
    bed: &Bed,
    in_flight: usize,
    rounds: usize,
    slice: Duration,
) -> Result<Vec<Round>, Failure> {
    let connections = in_flight + SPARE_CONNECTIONS;
    let runs = Runs::team(bed, &bed.of_runs(), in_flight, connections).await?;
    let (instance, workflows) =
        Workflows::team(&bed.of_workflows(), in_flight, connections).await?;
    // Warm: a connection's first runs plan every statement of the functions, five times each.
    rate(&runs, WARMING).await?;
    rate(&workflows, WARMING).await?;
    let mut measured = Vec::new();
    for _ in 0..rounds {
        measured.push(Round {
            runs: rate(&runs, slice).await?,
            workflows: rate(&workflows, slice).await?,
        });
    }
    instance.shutdown().await;
    Ok(measured)
}

/// Round trips and commits, counted of one worker alone.
async fn executed_run_cost(bed: &Bed) -> Result<Table, Failure> {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_header([
        "way",
        "round trips a run",
        "transactions a run, reading ones included",
    ]);
    let connections = 1 + SPARE_CONNECTIONS;
    let place = bed.of_runs();
    let relay = Relay::before(place.socket())?;
    let team = Runs::team(bed, &place.through(relay.folder()), 1, connections).await?;
    table.add_row(counted("an executed run", bed, &place, &relay, &team).await?);
    drop(team);
    let place = bed.of_workflows();
    let relay = Relay::before(place.socket())?;
    let (instance, team) = Workflows::team(&place.through(relay.folder()), 1, connections).await?;
    table.add_row(counted("a dbos workflow of two steps", bed, &place, &relay, &team).await?);
    instance.shutdown().await;
    Ok(table)
}

async fn counted(
    way: &str,
    bed: &Bed,
    place: &Place,
    relay: &Relay,
    team: &[Arc<impl Contend>],
) -> Result<[String; 3], Failure> {
    let [worker] = team else {
        return Err("one worker alone is counted".into());
    };
    for _ in 0..50 {
        worker.run_once().await?; // warm
    }
    // An idle server process reports its statistics only after ten seconds.
    let settled = || tokio::time::sleep(Duration::from_secs(11));
    settled().await;
    let (commits, waits) = (bed.commits(place).await?, relay.waits());
    for _ in 0..COUNTED {
        worker.run_once().await?;
    }
    let waits = relay.waits() - waits;
    settled().await;
    let commits = bed.commits(place).await? - commits;
    #[allow(clippy::cast_precision_loss)] // some thousands
    let a_run = |count: f64| format!("{:.2}", count / f64::from(COUNTED));
    Ok([way.to_owned(), a_run(waits as f64), a_run(commits as f64)])
}
