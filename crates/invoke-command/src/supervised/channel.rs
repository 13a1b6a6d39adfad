//! The control channel between dotwrap and a supervisor: lines, both ways.

use std::{
    io::{self, Write},
    os::unix::net::UnixStream as BlockingStream,
    path::PathBuf,
};

use dotwrap_invoke::Leave;
use tokio::{
    io::{BufReader, Lines},
    net::UnixStream,
    time::Instant,
};

use super::{MARK, Program};
use crate::{
    cgroup::Cgroup,
    supervisor::{LEAVE, Message, Order, clock},
};

/// What a supervisor is told to start.
pub(super) fn order(
    program: Program,
    stdin: Option<PathBuf>,
    mark: &str,
    concealed: &[PathBuf],
    cgroup: Option<Cgroup>,
) -> Order {
    let mut environment = program.environment;
    environment.insert(MARK.to_owned(), mark.to_owned());
    Order {
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
        stdin: stdin.map(PathBuf::into_os_string),
        cgroup,
        time_limit_ms: program
            .time_limit
            .map(|limit| u64::try_from(limit.as_millis()).unwrap_or(u64::MAX)),
        leave_until_ms: program
            .leave
            .and_then(|leave| leave.end())
            .map(on_the_clock),
    }
}

/// Tells the supervisor each new end of the tool's leave. If it is gone, somebody else notices.
pub(super) async fn pass_on(mut leave: Leave, control: BlockingStream) {
    loop {
        let end = leave.next_end().await;
        let _ = (&control).write_all(format!("{LEAVE} {}\n", on_the_clock(end)).as_bytes());
    }
}

/// That time in milliseconds of the clock that supervisors read.
fn on_the_clock(time: Instant) -> u64 {
    let left = time.saturating_duration_since(Instant::now());
    u64::try_from((clock() + left).as_millis()).unwrap_or(u64::MAX)
}

pub(super) fn line(order: Order) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(&order)?;
    line.push(b'\n');
    Ok(line)
}

/// One end to write to from anywhere, and one to read from.
pub(super) fn both(near: BlockingStream) -> io::Result<(BlockingStream, UnixStream)> {
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
