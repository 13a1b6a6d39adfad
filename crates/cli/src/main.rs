//! `dotwrap`: the command line of DOT Wrapper.
//!
//! Raw arguments become checked ones and layered settings before any work is done; a command then makes its calls through
//! the wrapper library, has tools called by the runner, and prints what came back. The only SQL here is what `demo` tries in order to be refused.

mod arguments;
mod badges;
mod catalogue;
mod commands;
mod configuration;
mod demo;
mod diagnosis;
mod embedded;
mod engines;
mod exit_status;
mod failure;
mod jsonl;
mod output;
mod session;
mod timeline;
mod words;

use std::process::ExitCode;

use arguments::{Arguments, GlobalArguments};
use commands::Command;
use configuration::Settings;
use exit_status::ExitStatus;
use failure::Failure;
use output::Messages;
use session::Session;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    // The embedded server's keeper is this program, started once more.
    if let Some(status) = dotwrap_embedded::run_if_asked() {
        return status;
    }
    // And so is what watches over a called program.
    if let Some(status) = dotwrap_invoke_command::run_if_asked() {
        return status;
    }
    let arguments = match Arguments::read() {
        Ok(arguments) => arguments,
        Err(status) => return status.into(),
    };
    let settings = match Settings::load(arguments.global.layer(), arguments.global.config.clone()) {
        Ok(settings) => settings,
        Err(failure) => return finish(Err(failure), arguments.global.messages_before_settings()),
    };
    let session = Session::new(settings, arguments.global.loudness());
    let messages = session.messages;
    start_logging(&arguments.global, messages);
    finish(run(arguments.command, session), messages)
}

/// Two threads: a lease is renewed while a large output is read.
fn run(command: Command, mut session: Session) -> Result<ExitStatus, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| {
            Failure::internal(format!("the asynchronous runtime did not start: {error}"))
        })?
        .block_on(command.execute(&mut session))
}

fn finish(outcome: Result<ExitStatus, Failure>, messages: Messages) -> ExitCode {
    match outcome {
        Ok(status) => status.into(),
        Err(failure) if failure.is_broken_pipe() => ExitStatus::Done.into(),
        Err(failure) => {
            messages.failure(&failure);
            failure.status.into()
        }
    }
}

/// Logs go to standard error: warnings, more with `-v`, none with `-q`, or as `DOTWRAP_LOG` says.
fn start_logging(global: &GlobalArguments, messages: Messages) {
    let filter = std::env::var("DOTWRAP_LOG")
        .ok()
        .filter(|text| !text.trim().is_empty())
        .and_then(|text| EnvFilter::try_new(text).ok())
        .unwrap_or_else(|| EnvFilter::new(global.log_filter()));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(messages.are_coloured())
        .without_time()
        .init();
}
