//! Benchmarks of the recording path. Everything runs on a private cluster in a temporary folder, with fsync on.
//!
//! - `cargo run --release -p dotwrap-bench -- rate`: runs per second, side by side with three bare inserts.
//! - `cargo run --release -p dotwrap-bench -- growth`: what does and does not grow with the ledger.

mod bed;
mod contender;
mod growth;
mod rate;

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
    tokio::runtime::Runtime::new()?.block_on(async {
        match arguments.what {
            What::Rate(options) => rate::run(options).await,
            What::Growth(options) => growth::run(options).await,
        }
    })
}
