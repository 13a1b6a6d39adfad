//! A proxy between `dotwrap` and PostgreSQL. It counts the protocol messages in both directions over all connections,
//! and cuts the connection at one of them.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// The point of the cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    /// The number of the message, from 0.
    pub(crate) message: usize,
    /// Whether that message is still forwarded.
    pub(crate) is_forwarded: bool,
    /// The extent of the outage.
    pub(crate) outage: Outage,
}

/// The extent of an outage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outage {
    /// Only the connection of that message; new ones are accepted.
    Connection,
    /// The whole network for this time: all connections are closed, and new ones are refused.
    Network(Duration),
    /// The whole network for this time without a close: no data passes.
    Silence(Duration),
}

/// The proxy, which stops when it is dropped.
pub(crate) struct Proxy {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    server: PathBuf,
    cut: Option<Cut>,
    state: Mutex<State>,
    /// A connection ends when this number exceeds its value at the connection's start.
    outages: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    messages: usize,
    is_cut: bool,
    down_until: Option<Instant>,
    silent_until: Option<Instant>,
}

/// The action for a message.
enum RelayAction {
    Forwarded,
    ForwardedLast,
    Lost,
}

#[derive(Clone, Copy)]
enum From {
    Client,
    Server,
}

impl Proxy {
    /// Relays from a socket in this folder, as clients look for it, to the server's.
    pub(crate) fn start(folder: &Path, server: &Path, cut: Option<Cut>) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        let listener = UnixListener::bind(folder.join(server.file_name().unwrap())).unwrap();
        let shared = Arc::new(Shared {
            server: server.to_owned(),
            cut,
            state: Mutex::default(),
            outages: watch::Sender::new(0),
        });
        let task = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Self { shared, task }
    }

    /// The number of messages.
    pub(crate) fn messages(&self) -> usize {
        self.shared.state.lock().unwrap().messages
    }

    /// Whether the cut happened.
    pub(crate) fn has_cut(&self) -> bool {
        self.shared.state.lock().unwrap().is_cut
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
        self.shared.outages.send_modify(|number| *number += 1);
    }
}

async fn accept(listener: UnixListener, shared: Arc<Shared>) {
    while let Ok((client, _)) = listener.accept().await {
        if shared.is_down() {
            continue;
        }
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            shared.wait_in_silence().await;
            let mut outages = shared.outages.subscribe();
            outages.mark_unchanged();
            if let Ok(server) = UnixStream::connect(&shared.server).await {
                tokio::select! {
                    _ = relay(&shared, client, server) => {}
                    _ = outages.changed() => {}
                }
            }
        });
    }
}

/// Until one of the two ends it, or it is cut: then both are closed.
async fn relay(shared: &Shared, client: UnixStream, server: UnixStream) -> io::Result<()> {
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        ended = pump(shared, From::Client, from_client, to_server) => ended,
        ended = pump(shared, From::Server, from_server, to_client) => ended,
    }
}

async fn pump(
    shared: &Shared,
    from: From,
    mut reader: OwnedReadHalf,
    mut writer: OwnedWriteHalf,
) -> io::Result<()> {
    // A client's first message has no type.
    let mut has_type = matches!(from, From::Server);
    loop {
        let message = read(&mut reader, has_type).await?;
        has_type = true;
        if shared.wait_in_silence().await {
            return Ok(());
        }
        let fate = shared.fate();
        if !matches!(fate, RelayAction::Lost) {
            writer.write_all(&message).await?;
        }
        if !matches!(fate, RelayAction::Forwarded) {
            shared.cut();
            shared.wait_in_silence().await;
            return Ok(());
        }
    }
}

async fn read(reader: &mut OwnedReadHalf, has_type: bool) -> io::Result<Vec<u8>> {
    let mut message = vec![0; if has_type { 5 } else { 4 }];
    reader.read_exact(&mut message).await?;
    let start = message.len() - 4;
    let length = u32::from_be_bytes(message[start..].try_into().unwrap());
    // The length counts itself.
    message.resize(start + usize::try_from(length).unwrap().max(4), 0);
    reader.read_exact(&mut message[start + 4..]).await?;
    Ok(message)
}

impl Shared {
    fn is_down(&self) -> bool {
        let state = self.state.lock().unwrap();
        state.down_until.is_some_and(|until| Instant::now() < until)
    }

    /// Counts a message and returns its action.
    fn fate(&self) -> RelayAction {
        let mut state = self.state.lock().unwrap();
        let number = state.messages;
        state.messages += 1;
        match self.cut {
            Some(cut) if cut.message == number => {
                state.is_cut = true;
                if cut.is_forwarded {
                    RelayAction::ForwardedLast
                } else {
                    RelayAction::Lost
                }
            }
            _ => RelayAction::Forwarded,
        }
    }

    /// Waits for the end of a silent outage. Returns whether there was one.
    async fn wait_in_silence(&self) -> bool {
        let until = self.state.lock().unwrap().silent_until;
        let until = until.filter(|until| Instant::now() < *until);
        if let Some(until) = until {
            tokio::time::sleep_until(until).await;
        }
        until.is_some()
    }

    fn cut(&self) {
        let Some(cut) = self.cut else {
            return;
        };
        match cut.outage {
            Outage::Connection => {}
            Outage::Network(time) => {
                self.state.lock().unwrap().down_until = Some(Instant::now() + time);
                self.outages.send_modify(|number| *number += 1);
            }
            Outage::Silence(time) => {
                self.state.lock().unwrap().silent_until = Some(Instant::now() + time);
            }
        }
    }
}
