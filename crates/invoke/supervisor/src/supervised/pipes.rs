//! A tool's standard input and output, both ends.

use std::{io, process::Stdio};

use tokio::net::unix::pipe::{Receiver, Sender};

use super::Stdin;

pub(super) struct Pipes {
    pub(super) stdin: Option<Sender>,
    pub(super) stdout: Receiver,
    pub(super) tool_stdin: Stdio,
    pub(super) tool_stdout: Stdio,
}

impl Pipes {
    pub(super) fn new(stdin: &Stdin) -> io::Result<Self> {
        let (stdin, tool_stdin) = match stdin {
            // A file is opened by the launcher.
            Stdin::Nothing | Stdin::File(_) => (None, Stdio::null()),
            Stdin::Piped => {
                let (far, near) = io::pipe()?;
                (Some(Sender::from_owned_fd(near.into())?), Stdio::from(far))
            }
        };
        let (near, far) = io::pipe()?;
        Ok(Self {
            stdin,
            stdout: Receiver::from_owned_fd(near.into())?,
            tool_stdin,
            tool_stdout: Stdio::from(far),
        })
    }
}
