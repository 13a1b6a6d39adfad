//! A program with a supervisor, for the tests to start and to kill.
//!
//! `invoke-command-probe FOLDER PROGRAM ARGUMENT…` starts the program, prints `started <process>`, copies what it
//! prints, and prints its report as JSON when it has ended.

use std::{path::PathBuf, process::ExitCode};

use dotwrap_supervisor::{Program, Stdin, Supervisor};
use tokio::io::{AsyncBufReadExt, BufReader};

fn main() -> ExitCode {
    if let Some(status) = dotwrap_supervisor::run_as_helper_process() {
        return status;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(hold());
    ExitCode::SUCCESS
}

async fn hold() {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().expect("a folder"));
    let program = arguments.next().expect("a program");
    let mut program = Program::new(program, &folder, &folder.join("stderr"));
    program.arguments = arguments.collect();
    let supervisor = Supervisor::of_this_program();
    let started = supervisor.start(program, Stdin::Nothing).await;
    let mut supervised = started.expect("a tool that starts");
    println!("started {}", supervised.process());
    let stdout = supervised.stdout.take().expect("its output");
    let mut lines = BufReader::new(stdout).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        println!("{line}");
    }
    let report = supervised.wait().await;
    println!("{}", serde_json::to_string(&report).expect("a report"));
}
