//! Standard output: the whole of it goes to a file and is digested on the way.

use std::{
    fs::File,
    io::{self, Write},
};

use sha2::{Digest as _, Sha256};
use tokio::{
    io::AsyncReadExt,
    net::unix::pipe::Receiver,
    sync::{mpsc, oneshot},
};

use dotwrap_invoke::{Digest, ReadyThread};

const CHUNK: usize = 64 * 1024;

/// How many pieces may wait for the disk.
const QUEUE_DEPTH: usize = 16;

/// What came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Captured {
    pub(crate) bytes: u64,
    /// Nothing where it was cut off: the digest of a part would be the digest of nothing anybody meant.
    pub(crate) digest: Option<Digest>,
}

/// Why no more is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CaptureEnd {
    /// That was all.
    Complete,
    /// It was more than it may be.
    TooLarge,
    /// It cannot be read or kept any more.
    Broken,
}

/// The reading side. The disk has a thread of its own, so that it never delays the renewal of the lease.
pub(crate) struct Capture {
    source: Receiver,
    pieces: mpsc::Sender<Vec<u8>>,
    written: oneshot::Receiver<io::Result<Digest>>,
    bytes: u64,
    most: u64,
    end: Option<CaptureEnd>,
}

impl Capture {
    pub(crate) fn start(source: Receiver, file: File, most: u64, writer: ReadyThread) -> Self {
        let (pieces, to_write) = mpsc::channel(QUEUE_DEPTH);
        let written = writer.run(move || write_all(file, to_write));
        Self {
            source,
            pieces,
            written,
            bytes: 0,
            most,
            end: None,
        }
    }

    /// Reads until there is no more to read. Can be dropped and called again.
    pub(crate) async fn read(&mut self) -> CaptureEnd {
        loop {
            if let Some(end) = self.end {
                return end;
            }
            self.end = self.read_piece().await;
        }
    }

    async fn read_piece(&mut self) -> Option<CaptureEnd> {
        let Ok(place) = self.pieces.reserve().await else {
            return Some(CaptureEnd::Broken);
        };
        let mut piece = Vec::with_capacity(CHUNK);
        match self.source.read_buf(&mut piece).await {
            Ok(0) => return Some(CaptureEnd::Complete),
            Ok(_) => {}
            Err(_) => return Some(CaptureEnd::Broken),
        }
        let room = usize::try_from(self.most - self.bytes).unwrap_or(usize::MAX);
        let too_large = piece.len() > room;
        piece.truncate(room);
        self.bytes += piece.len() as u64;
        place.send(piece);
        too_large.then_some(CaptureEnd::TooLarge)
    }

    /// Why no more was read; nothing while there may be more.
    pub(crate) fn end(&self) -> Option<CaptureEnd> {
        self.end
    }

    /// Waits for the disk.
    pub(crate) async fn finish(self) -> io::Result<Captured> {
        drop(self.pieces);
        let lost = |_| io::Error::other("the thread that writes it is gone");
        let digest = self.written.await.map_err(lost)??;
        Ok(Captured {
            bytes: self.bytes,
            digest: (self.end == Some(CaptureEnd::Complete)).then_some(digest),
        })
    }
}

fn write_all(mut file: File, mut pieces: mpsc::Receiver<Vec<u8>>) -> io::Result<Digest> {
    let mut hasher = Sha256::new();
    while let Some(piece) = pieces.blocking_recv() {
        file.write_all(&piece)?;
        hasher.update(&piece);
    }
    let hex: String = hasher
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    hex.parse().map_err(io::Error::other)
}
