//! The launcher: restricts itself and becomes the tool.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    ffi::OsString,
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use nix::sys::signal::SigSet;
use serde::{Deserialize, Serialize};

use crate::{cgroup::Cgroup, signals};

use super::{
    descriptors,
    hidden_paths::Secrets,
    protocol::{LAUNCH, Launch, LaunchMessage, NotStartedCode, Refusal},
    resources, restrict, stdin,
};

/// What a shell says when it could not execute a program.
const EXIT_NOT_EXECUTED: u8 = 127;

/// What the launcher says on its status descriptor: a `Ready`, and a `Failed` only if it did not become the tool.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Step {
    Ready(Launch),
    Failed(Refusal),
}

/// Arguments: `__command-launcher ORDER PROGRAM ARG0 ARGUMENT…`.
pub(super) fn launch(mut arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let order: Option<LaunchMessage> = arguments
        .next()
        .and_then(|text| serde_json::from_str(text.to_str()?).ok());
    let (Some(order), Some(program), Some(arg0)) = (order, arguments.next(), arguments.next())
    else {
        eprintln!("dotwrap: {LAUNCH} is for dotwrap's own use");
        return ExitCode::from(2);
    };
    let Some(environment) = environment(order.environment) else {
        return ExitCode::FAILURE;
    };
    let Ok(mut status) = reopen(order.status) else {
        return ExitCode::FAILURE;
    };
    let mut command = Command::new(program);
    command.arg0(arg0).args(arguments);
    command.env_clear().envs(environment);
    let Err(refusal) = exec_tool(&order, &mut status, &mut command);
    let _supervisor_is_gone = report_step(&mut status, &Step::Failed(refusal));
    ExitCode::from(EXIT_NOT_EXECUTED)
}

/// Returns only if it did not work.
fn exec_tool(
    order: &LaunchMessage,
    status: &mut File,
    command: &mut Command,
) -> Result<Infallible, Refusal> {
    // A session of its own: no terminal, and a group that can be signalled as one.
    nix::unistd::setsid().map_err(io::Error::from)?;
    // Whatever was blocked for dotwrap or the supervisor is not for the tool.
    SigSet::empty().thread_set_mask().map_err(io::Error::from)?;
    signals::give_defaults();
    let mut not_enforced = restrict::tie_to_supervisor(order.allow_setuid);
    if let Some(Err(error)) = order.cgroup.as_ref().map(Cgroup::enter) {
        not_enforced.push(format!("a control group of its own: {error}"));
    }
    // Had the supervisor died before it was tied to it, nobody would ever be told.
    if nix::unistd::getppid().as_raw().unsigned_abs() != order.supervisor {
        return Err(io::Error::other("the supervisor is gone").into());
    }
    let concealed = concealed(order);
    // Looked up before the sandbox, which may hide them, and only where they are compared with something.
    let secrets = order.stdin.as_ref().map(|_| Secrets::of(&concealed));
    let sandbox = restrict::apply(&order.sandbox, &concealed)
        .map_err(|error| Refusal::new(NotStartedCode::Sandbox, error))?;
    if order.require_sandbox && sandbox.is_incomplete() {
        let why = format!(
            "a complete sandbox is required, and the system has none: {}",
            sandbox.shortcomings()
        );
        return Err(Refusal::new(NotStartedCode::Sandbox, why));
    }
    // Behind the sandbox, with the tool's rights.
    if let (Some(path), Some(secrets)) = (&order.stdin, &secrets) {
        stdin::attach(Path::new(path), secrets).map_err(|error| {
            Refusal::new(
                NotStartedCode::Stdin,
                format!("its standard input: {error}"),
            )
        })?;
    }
    // Last: with little memory left, only the tool should have to do with it.
    not_enforced.extend(resources::apply(&order.limits));
    let ready = Step::Ready(Launch {
        sandbox,
        not_enforced,
    });
    report_step(status, &ready)?;
    Err(command.exec().into())
}

fn concealed(order: &LaunchMessage) -> Vec<PathBuf> {
    order.concealed.iter().map(PathBuf::from).collect()
}

/// The tool's environment. The descriptor itself is closed with the others that were inherited.
fn environment(number: i32) -> Option<BTreeMap<String, String>> {
    let open = |folder: &str| File::open(format!("{folder}/{number}"));
    let file = open("/proc/self/fd").or_else(|_no_proc| open("/dev/fd"));
    let mut text = Vec::new();
    file.ok()?.read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

/// Opens the inherited descriptor once more, so that it closes when the tool is executed, which tells the supervisor
/// that it was; and closes what was inherited.
fn reopen(number: i32) -> io::Result<File> {
    let open = |folder: &str| {
        OpenOptions::new()
            .write(true)
            .open(format!("{folder}/{number}"))
    };
    let status = open("/proc/self/fd").or_else(|_no_proc| open("/dev/fd"))?;
    descriptors::close_inherited(&[std::os::fd::AsRawFd::as_raw_fd(&status)]);
    Ok(status)
}

fn report_step(status: &mut File, step: &Step) -> io::Result<()> {
    let mut line = serde_json::to_vec(step)?;
    line.push(b'\n');
    status.write_all(&line)
}
