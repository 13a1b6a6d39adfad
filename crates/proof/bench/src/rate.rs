//! Runs per second, the ways in turn, so that whatever else the machine does hits all of them alike.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use comfy_table::{Table, presets::ASCII_MARKDOWN};

use crate::bed::Bed;
use crate::contender::{Contender, WAYS, Way};
use dotwrap_bench::Failure;
use dotwrap_bench::measure::{median, rate};

#[derive(Args)]
pub(crate) struct Options {
    /// How many connections at once, each with a pair of its own.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 8, 32])]
    connections: Vec<usize>,
    /// How often each way gets its turn.
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// How long a turn is, in milliseconds.
    #[arg(long, default_value_t = 1500)]
    slice: u64,
}

pub(crate) async fn run(options: Options) -> Result<(), Failure> {
    let most = options.connections.iter().copied().max().unwrap_or(1);
    let bed = Bed::lay(most).await?;
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_header([
        "connections",
        "way",
        "runs/s (median)",
        "ratio to three inserts (median of rounds)",
    ]);
    for connections in options.connections {
        let measured = one_concurrency(
            &bed,
            connections,
            options.rounds,
            Duration::from_millis(options.slice),
        )
        .await?;
        for (index, way) in Way::ALL.into_iter().enumerate() {
            let rates = measured.iter().map(|round| round[index]).collect();
            // Each round's ratio is of neighbours in time; its median shrugs off the odd disturbed one.
            let ratios = measured
                .iter()
                .map(|round| round[index] / round[0])
                .collect();
            table.add_row([
                connections.to_string(),
                way.name().to_owned(),
                format!("{:.0}", median(rates)),
                format!("{:.2}", median(ratios)),
            ]);
        }
    }
    println!("{table}");
    Ok(())
}

async fn one_concurrency(
    bed: &Bed,
    connections: usize,
    rounds: usize,
    slice: Duration,
) -> Result<Vec<[f64; WAYS]>, Failure> {
    let mut teams = Vec::new();
    for way in Way::ALL {
        let mut team = Vec::new();
        for pair in 0..connections {
            team.push(Arc::new(
                Contender::new(bed, way, pair, "PROC-CAND:bench").await?,
            ));
        }
        rate(&team, Duration::from_millis(500)).await?; // warm: plans, caches, the first row of each lease
        teams.push(team);
    }
    let mut measured = Vec::new();
    for _ in 0..rounds {
        let mut round = [0.0; WAYS];
        for (index, team) in teams.iter().enumerate() {
            round[index] = rate(team, slice).await?;
        }
        measured.push(round);
    }
    Ok(measured)
}
