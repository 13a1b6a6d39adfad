//! The server that the tests call, on its standard input and output. It is its own supervisor too.

mod tools;

use std::process::ExitCode;

use rmcp::{ServiceExt, transport::stdio};
use tools::Probe;

fn main() -> ExitCode {
    if let Some(status) = dotwrap_supervisor::run_as_helper_process() {
        return status;
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("--silent") => loop {
            std::thread::park();
        },
        Some("--babble") => loop {
            println!("{}", "x".repeat(1000));
        },
        Some("--mute") => return ExitCode::SUCCESS,
        _ => {}
    }
    eprintln!("the secret of this server is on its standard error");
    serve(Probe {
        refuses_initialize: arguments.iter().any(|word| word == "--modern"),
        arguments,
        ..Probe::default()
    })
}

#[tokio::main(flavor = "current_thread")]
async fn serve(probe: Probe) -> ExitCode {
    match probe.serve(stdio()).await {
        Ok(service) => match service.waiting().await {
            Ok(_reason) => ExitCode::SUCCESS,
            Err(_panicked) => ExitCode::FAILURE,
        },
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
