//! The control channel between dotwrap and a supervisor: lines, both ways.

use std::{
    io::{self, Write},
    os::unix::net::UnixStream as BlockingStream,
    path::PathBuf,
};

use dotwrap_invoke::Deadline;
use tokio::{
    io::{BufReader, Lines},
    net::UnixStream,
    time::Instant,
};

use super::{CALL_ID_VARIABLE, Program};
use crate::{
    cgroup::Cgroup,
    supervisor::{DEADLINE, Message, StartMessage, clock},
};

/// What a supervisor is told to start.
pub(super) fn order(
    program: Program,
    stdin: Option<PathBuf>,
    mark: &str,
    concealed: &[PathBuf],
    cgroup: Option<Cgroup>,
) -> StartMessage {
    let mut environment = program.environment;
    environment.insert(CALL_ID_VARIABLE.to_owned(), mark.to_owned());
    StartMessage {
        program: program.path,
        arg0: program.arg0,
        arguments: program.arguments,
        environment,
        folder: program.folder,
        stderr: program.stderr,
        limits: program.limits,
        sandbox: program.sandbox,
        concealed: concealed
            .iter()
            .map(|path| path.clone().into_os_string())
            .collect(),
        require_sandbox: program.require_sandbox,
        allow_setuid: program.allow_setuid,
        leave_running: program.leave_running,
        stdin: stdin.map(PathBuf::into_os_string),
        cgroup,
        time_limit_ms: program
            .time_limit
            .map(|limit| u64::try_from(limit.as_millis()).unwrap_or(u64::MAX)),
        leave_until_ms: program
            .leave
            .and_then(|leave| leave.end())
            .map(to_monotonic),
    }
}

/// Tells the supervisor each new end of the tool's leave. If it is gone, somebody else notices.
pub(super) async fn forward_deadlines(mut leave: Deadline, control: BlockingStream) {
    loop {
        let end = leave.next_end().await;
        let _ = (&control).write_all(format!("{DEADLINE} {}\n", to_monotonic(end)).as_bytes());
    }
}

/// That time in milliseconds of the clock that supervisors read.
fn to_monotonic(time: Instant) -> u64 {
    let left = time.saturating_duration_since(Instant::now());
    u64::try_from((clock() + left).as_millis()).unwrap_or(u64::MAX)
}

/// The order with its length before it, so that the supervisor reads it in two steps and nothing behind it.
pub(super) fn encode(order: StartMessage) -> io::Result<Vec<u8>> {
    let text = serde_json::to_vec(&order)?;
    let length = u32::try_from(text.len()).map_err(|_| io::ErrorKind::ArgumentListTooLong)?;
    let mut message = length.to_be_bytes().to_vec();
    message.extend(text);
    Ok(message)
}

/// One end to write to from anywhere, and one to read from.
pub(super) fn join_messages(near: BlockingStream) -> io::Result<(BlockingStream, UnixStream)> {
    near.set_nonblocking(true)?;
    Ok((near.try_clone()?, UnixStream::from_std(near)?))
}

pub(super) async fn next_message(messages: &mut Lines<BufReader<UnixStream>>) -> Option<Message> {
    while let Ok(Some(line)) = messages.next_line().await {
        if let Ok(message) = serde_json::from_str(&line) {
            return Some(message);
        }
    }
    None
}
