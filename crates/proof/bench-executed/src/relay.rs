//! Counts round trips: a socket in between that passes everything on, and counts how often the client waits for an
//! answer.

use std::{
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use dotwrap_bench::Failure;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{UnixListener, UnixStream, unix},
    task::JoinHandle,
};

use crate::bed::Place;

/// What a client sends before it waits for the server: `Query` and `Sync` of PostgreSQL's protocol.
const WAITS: [u8; 2] = [b'Q', b'S'];

/// The relay; it ends when dropped.
pub(crate) struct Relay {
    pub(crate) place: Place,
    waits: Arc<AtomicU64>,
    accepting: JoinHandle<()>,
    _folder: tempfile::TempDir,
}

impl Relay {
    pub(crate) fn before(place: &Place) -> Result<Self, Failure> {
        let folder = tempfile::Builder::new().prefix("relay").tempdir()?;
        let relayed = place.through(folder.path());
        let listener = UnixListener::bind(relayed.socket())?;
        let waits = Arc::new(AtomicU64::new(0));
        let (server, counted) = (place.socket(), Arc::clone(&waits));
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (server, counted) = (server.clone(), Arc::clone(&counted));
                tokio::spawn(async move { pass_on(client, &server, &counted).await });
            }
        });
        Ok(Self {
            place: relayed,
            waits,
            accepting,
            _folder: folder,
        })
    }

    /// How often clients have waited so far.
    pub(crate) fn waits(&self) -> u64 {
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
