//! Starting the launcher.

use std::{
    fs::File,
    io::{self, Write},
    os::{fd::AsRawFd, unix::process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};

use crate::{
    cgroup::Cgroup,
    supervisor::protocol::{LAUNCH, LaunchMessage, StartMessage},
};

/// Starts the launcher with the tool's folder and files, and hands it the tool's environment.
pub(super) fn launcher(
    order: &StartMessage,
    cgroup: Option<&Cgroup>,
    stderr: io::PipeWriter,
    status: io::PipeWriter,
) -> io::Result<i32> {
    // The one descriptor that the launcher inherits. No other thread starts anything here that could inherit it too.
    fcntl(&status, FcntlArg::F_SETFD(FdFlag::empty()))?;
    let (environment, mut to_launcher) = io::pipe()?;
    fcntl(&environment, FcntlArg::F_SETFD(FdFlag::empty()))?;
    let launch = LaunchMessage {
        status: status.as_raw_fd(),
        environment: environment.as_raw_fd(),
        supervisor: std::process::id(),
        cgroup: cgroup.cloned(),
        limits: order.limits.clone(),
        sandbox: order.sandbox.clone(),
        concealed: order.concealed.clone(),
        require_sandbox: order.require_sandbox,
        allow_setuid: order.allow_setuid,
        stdin: order.stdin.clone(),
    };
    let variables = serde_json::to_vec(&order.environment)?;
    let launcher = Command::new(this_executable())
        .arg0("dotwrap-launcher")
        .arg(LAUNCH)
        .arg(serde_json::to_string(&launch)?)
        .arg(&order.program)
        .arg(&order.arg0)
        .args(&order.arguments)
        .env_clear()
        .current_dir(&order.folder)
        .stdin(Stdio::inherit())
        .stdout(Stdio::inherit())
        .stderr(stderr)
        .spawn()?;
    drop(environment);
    // A launcher that ended early is heard of elsewhere.
    let _ = to_launcher.write_all(&variables);
    Ok(launcher.id().cast_signed())
}

/// The file of the running program, even if an upgrade has replaced it meanwhile.
pub(crate) fn this_executable() -> PathBuf {
    let itself = Path::new("/proc/self/exe");
    match itself.exists() {
        true => itself.to_owned(),
        false => std::env::current_exe().unwrap_or_else(|_| itself.to_owned()),
    }
}

/// Whoever reads the tool's output sees its end when the tool's processes have ended, not when the supervisor has;
/// where this cannot be done, no sooner than that.
pub(super) fn close_tool_stdio(nothing: &File) {
    let _ = nix::unistd::dup2_stdin(nothing);
    let _ = nix::unistd::dup2_stdout(nothing);
}
