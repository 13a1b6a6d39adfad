//! `dotwrap`: the command line of DOT Wrapper.
//!
//! Raw arguments become checked ones and layered settings before any work is done; a command then makes its calls
//! through the wrapper library, has tools called by the runner, and prints what came back. The only SQL here is what
//! `demo` tries in order to be refused.

mod arguments;
mod command_line;
mod commands;
mod data_folder;
mod demo;
mod exit_status;
mod failure;
mod logging;
mod output;
mod run_drawing;
mod run_folders;
mod session;
mod signals;
mod threads;
mod value_parser;
use std::process::ExitCode;

use arguments::Arguments;
use clap::CommandFactory;
use commands::Command;
use dotwrap_app::settings::Settings;
use exit_status::ExitStatus;
use failure::Failure;
use output::Messages;
use session::Context;

fn main() -> ExitCode {
    dotwrap_exec::signals::set_dispositions();
    keep_memory_private();
    // The embedded server's keeper is this program, started once more.
    if let Some(status) = dotwrap_embedded::run_if_asked() {
        return status;
    }
    // And so is what watches over a called program.
    if let Some(status) = dotwrap_exec::run_as_helper_process() {
        return status;
    }
    let arguments = match Arguments::read() {
        Ok(arguments) => arguments,
        Err(status) => return status.into(),
    };
    let messages = arguments.global.messages_before_settings();
    let database = arguments.global.database_url();
    command_line::hide_password(command_line::DATABASE_FLAG, database, messages);
    if let Some((flag, variable, url)) = arguments.command.secret_flag() {
        command_line::hide_password((flag, variable), Some(url), messages);
    }
    let settings = match Settings::load(arguments.global.layer(), arguments.global.config.clone()) {
        Ok(settings) => settings,
        Err(problem) => {
            return finish(
                Err(problem.into()),
                arguments.global.messages_before_settings(),
            );
        }
    };
    let session = Context::new(settings, arguments.global.loudness());
    let messages = session.messages;
    logging::start(&arguments.global, messages);
    finish(run(arguments.command, session), messages)
}

/// This process holds passwords: no core dump of it is written, and no other process of its account looks into it.
fn keep_memory_private() {
    #[cfg(target_os = "linux")]
    let _refused_by_a_kernel_that_has_none = nix::sys::prctl::set_dumpable(false);
}

fn run(command: Command, mut session: Context) -> Result<ExitStatus, Failure> {
    let messages = session.messages;
    let status = threads::runtime()?.block_on(async {
        threads::make_blocking().await?;
        let status = command.execute(Arguments::command, &mut session).await;
        status.map_err(|failure| session.naming_full_disk(failure))
    })?;
    if status != ExitStatus::Done && messages.is_quiet() {
        let failed = session
            .failed
            .unwrap_or_else(|| Failure::without_reason(status));
        messages.failure(&failed);
    }
    Ok(status)
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
