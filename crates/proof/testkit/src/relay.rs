//! Counts round trips: a socket in between that passes everything on, and counts how often a client waits for an
//! answer.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{UnixListener, UnixStream, unix},
    task::JoinHandle,
};

/// What a client sends before it waits for the server: `Query` and `Sync` of PostgreSQL's protocol.
const WAITS: [u8; 2] = [b'Q', b'S'];

/// A counting socket before a server's. It ends when dropped.
#[derive(Debug)]
pub struct Relay {
    waits: Arc<AtomicU64>,
    accepting: JoinHandle<()>,
    folder: tempfile::TempDir,
}

impl Relay {
    /// Listens in a folder of its own, under the name that the server's socket has.
    ///
    /// # Errors
    /// The system's.
    ///
    /// # Panics
    /// Where the path has no file name.
    pub fn before(server: PathBuf) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("relay").tempdir()?;
        let name = server.file_name().expect("a socket has a name");
        let listener = UnixListener::bind(folder.path().join(name))?;
        let waits = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&waits);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (server, counted) = (server.clone(), Arc::clone(&counted));
                tokio::spawn(async move { pass_on(client, &server, &counted).await });
            }
        });
        Ok(Self {
            waits,
            accepting,
            folder,
        })
    }

    /// The folder of its socket, as a connection string's `host`.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// How often clients have waited so far.
    pub fn waits(&self) -> u64 {
        self.waits.load(Ordering::Relaxed)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn pass_on(client: UnixStream, server: &Path, waits: &AtomicU64) -> io::Result<()> {
    let server = UnixStream::connect(server).await?;
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    tokio::select! {
        ended = count(&mut from_client, &mut to_server, waits) => ended,
        ended = copy(&mut from_server, &mut to_client) => ended.map(drop),
    }
}

/// Passes on message by message. The first one, and no other, has no kind.
async fn count(
    client: &mut unix::OwnedReadHalf,
    server: &mut unix::OwnedWriteHalf,
    waits: &AtomicU64,
) -> io::Result<()> {
    let mut kind = None;
    loop {
        let length = client.read_u32().await?;
        let mut rest = vec![0; usize::try_from(length.saturating_sub(4)).unwrap_or(0)];
        client.read_exact(&mut rest).await?;
        let mut message = Vec::with_capacity(rest.len() + 5);
        message.extend(kind);
        message.extend(length.to_be_bytes());
        message.extend(rest);
        server.write_all(&message).await?;
        let next = client.read_u8().await?;
        if WAITS.contains(&next) {
            waits.fetch_add(1, Ordering::Relaxed);
        }
        kind = Some(next);
    }
}
