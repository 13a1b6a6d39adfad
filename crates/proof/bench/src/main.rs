//! Benchmarks. Everything runs on a private cluster in a temporary folder, with fsync on.
//!
//! - `cargo run --release -p dotwrap-bench -- rate`: runs per second, side by side with three bare inserts.
//! - `cargo run --release -p dotwrap-bench -- growth`: what does and does not grow with the ledger.
//! - `cargo run --release -p dotwrap-bench -- run`: the whole command `dotwrap run`, side by side with the bare tools.

mod bed;
mod contender;
mod growth;
mod rate;
mod run;

use clap::{Parser, Subcommand};
use dotwrap_bench::{Failure, machine};

#[derive(Parser)]
#[command(about, version)]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Runs per second of the pair in one call, against three bare inserts and against the calls one by one.
    Rate(rate::Options),
    /// Fills a ledger and compares its cost when small and when large.
    Growth(growth::Options),
    /// The whole command `dotwrap run`, against the same programs started by a shell.
    Run(run::Options),
}

fn main() -> std::process::ExitCode {
    if let Some(ended) = dotwrap_embedded::run_if_asked() {
        return ended;
    }
    match benchmark() {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            std::process::ExitCode::FAILURE
        }
    }
}

fn benchmark() -> Result<(), Failure> {
    let arguments = Arguments::parse();
    println!("{}", machine::describe());
    let runtime = tokio::runtime::Runtime::new()?;
    match arguments.what {
        What::Rate(options) => runtime.block_on(rate::run(options)),
        What::Growth(options) => runtime.block_on(growth::run(options)),
        What::Run(options) => run::run(&options),
    }
}
