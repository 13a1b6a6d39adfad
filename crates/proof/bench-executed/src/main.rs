//! Measures executed runs per second, and a durable workflow of two steps by the `dbos` crate on the same server.
//!
//! `cargo run --release -p dotwrap-bench-executed --features rival`. Both run on a private cluster in a temporary
//! folder, with fsync on.

mod bed;
mod compare;
mod runs;
mod workflows;

use clap::Parser;
use dotwrap_bench::{Failure, machine};

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
    let options = compare::Options::parse();
    println!("{}", machine::describe());
    tokio::runtime::Runtime::new()?.block_on(compare::run(options))
}
