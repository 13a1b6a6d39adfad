//! A request's body that knows whether it was ever taken.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// Whether a request left. A body is taken only once there is a connection whose other end has proved who it is; before
/// that, the service cannot have done anything.
#[derive(Clone, Debug, Default)]
pub(crate) struct SentFlag(Arc<AtomicBool>);

/// The body.
pub(crate) struct TrackedBody {
    bytes: Option<Bytes>,
    sent: SentFlag,
}

impl SentFlag {
    pub(crate) fn is_given(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

impl TrackedBody {
    pub(crate) fn new(bytes: Vec<u8>, sent: SentFlag) -> Self {
        Self {
            bytes: Some(bytes.into()),
            sent,
        }
    }
}

impl Body for TrackedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.sent.0.store(true, Ordering::Release);
        Poll::Ready(self.bytes.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}
