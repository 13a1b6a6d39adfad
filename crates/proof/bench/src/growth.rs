//! What a large ledger costs more than a small one: writing, finding a run, drawing a status page, bytes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use comfy_table::{Table, presets::ASCII_MARKDOWN};
use futures_util::future::try_join_all;
use indicatif::{ProgressBar, ProgressStyle};
use tokio_postgres::Client;

use crate::bed::Bed;
use crate::contender::{Contender, Way};
use dotwrap_bench::Failure;
use dotwrap_bench::measure::{Contend, median, rate};

#[derive(Args)]
pub(crate) struct Options {
    /// The small ledger, in runs.
    #[arg(long, default_value_t = 10_000)]
    small: u64,
    /// The large ledger, in runs.
    #[arg(long, default_value_t = 1_000_000)]
    large: u64,
    /// Pairs that the runs are spread over.
    #[arg(long, default_value_t = 64)]
    pairs: usize,
    /// Candidates that the pairs are evidence for.
    #[arg(long, default_value_t = 16)]
    candidates: usize,
}

const VIEWS: [&str; 5] = [
    "v_process_dot_wrapper_status",
    "v_process_discovery_runtime_observed",
    "v_process_discovery_candidate_status_v3",
    "v_process_discovery_verified_candidates_v3",
    "v_process_discovery_birth_readiness_v3",
];

/// What was measured of one size of ledger, a name and a figure a line.
type Figures = Vec<(String, f64)>;

pub(crate) async fn run(options: Options) -> Result<(), Failure> {
    let bed = Bed::lay(options.pairs).await?;
    let mut writers = Vec::new();
    for pair in 0..options.pairs {
        let candidate = format!("PROC-CAND:bench-{}", pair % options.candidates);
        writers.push(Arc::new(
            Contender::new(&bed, Way::OneCall, pair, &candidate).await?,
        ));
    }
    let reader = bed.superuser().await?;
    let small = at(&reader, &writers, options.small).await?;
    let large = at(&reader, &writers, options.large).await?;

    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_header([
        "what".to_owned(),
        format!("{} runs", options.small),
        format!("{} runs", options.large),
        "ratio".to_owned(),
    ]);
    for ((name, before), (_, after)) in small.iter().zip(&large) {
        table.add_row([
            name.clone(),
            figure(*before),
            figure(*after),
            format!("{:.2}", after / before),
        ]);
    }
    println!("{table}");
    Ok(())
}

fn figure(value: f64) -> String {
    if value < 10.0 {
        format!("{value:.3}")
    } else {
        format!("{value:.0}")
    }
}

async fn at(reader: &Client, writers: &[Arc<Contender>], runs: u64) -> Result<Figures, Failure> {
    fill(reader, writers, runs).await?;
    // What autovacuum would do in the minutes that a real ledger has, so that both sizes are measured in the same
    // state.
    reader.batch_execute("VACUUM (ANALYZE)").await?;
    reader.batch_execute("CHECKPOINT").await?;
    let mut figures = vec![(
        "bytes a run (tables and indexes)".to_owned(),
        bytes_per_run(reader).await?,
    )];
    figures.push((
        "look-up by correlation id, ms (median)".to_owned(),
        look_up(reader).await?,
    ));
    for view in VIEWS {
        figures.push((
            format!("{view}, ms (median)"),
            view_time(reader, view).await?,
        ));
    }
    figures.push((
        "newest 20 runs of v_process_run, ms (median)".to_owned(),
        time(
            reader,
            "SELECT * FROM dot.v_process_run r ORDER BY r.created_at DESC LIMIT 20",
        )
        .await?,
    ));
    figures.push((
        "runs/s written at 8 connections".to_owned(),
        rate(&writers[..8.min(writers.len())], Duration::from_secs(6)).await?,
    ));
    Ok(figures)
}

async fn fill(reader: &Client, writers: &[Arc<Contender>], runs: u64) -> Result<(), Failure> {
    let there: i64 = reader
        .query_one("SELECT count(*) FROM dot.process_run_observation", &[])
        .await?
        .get(0);
    let missing = runs.saturating_sub(there.unsigned_abs());
    let bar = ProgressBar::new(missing).with_style(ProgressStyle::with_template(
        "{msg} {wide_bar} {human_pos}/{human_len} runs, {per_sec}, {eta} left",
    )?);
    bar.set_message("filling");
    let share = missing.div_ceil(writers.len() as u64);
    try_join_all(writers.iter().map(|writer| {
        let (writer, bar) = (Arc::clone(writer), bar.clone());
        async move {
            for _ in 0..share {
                writer.run_once().await?;
                bar.inc(1);
            }
            Ok::<_, Failure>(())
        }
    }))
    .await?;
    bar.finish_and_clear();
    Ok(())
}

async fn bytes_per_run(reader: &Client) -> Result<f64, Failure> {
    let row = reader
        .query_one(
            "SELECT (pg_total_relation_size('dot.process_run_observation') + pg_total_relation_size('dot.process_component_observation'))::float8
               / (SELECT count(*) FROM dot.process_run_observation)",
            &[],
        )
        .await?;
    Ok(row.get(0))
}

async fn look_up(reader: &Client) -> Result<f64, Failure> {
    let sample = reader.query("SELECT r.correlation_id FROM dot.process_run_observation r TABLESAMPLE BERNOULLI (5) LIMIT 500", &[]).await?;
    let statement = reader
        .prepare("SELECT * FROM dot.v_process_run r WHERE r.correlation_id = $1")
        .await?;
    let mut times = Vec::new();
    for row in sample {
        let correlation: String = row.get(0);
        let began = Instant::now();
        reader.query_one(&statement, &[&correlation]).await?;
        times.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(median(times))
}

async fn view_time(reader: &Client, view: &str) -> Result<f64, Failure> {
    time(reader, &format!("SELECT * FROM dot.{view}")).await
}

async fn time(reader: &Client, query: &str) -> Result<f64, Failure> {
    let statement = reader.prepare(query).await?;
    let mut times = Vec::new();
    for _ in 0..30 {
        let began = Instant::now();
        reader.query(&statement, &[]).await?;
        times.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(median(times))
}
