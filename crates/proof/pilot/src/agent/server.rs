//! Listening.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    time::Duration,
};

use axum::Router;
use axum_server::{Handle, tls_rustls::RustlsConfig};
use tokio::task::JoinHandle;

use super::Identity;

/// A listening service. It stops with its connections when it is dropped.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    handle: Handle<SocketAddr>,
    task: JoinHandle<io::Result<()>>,
}

/// Serves over TLS, in the background of the runtime that it is called in. Port 0 takes a free one.
///
/// # Errors
/// What keeps it from listening.
pub fn serve(router: Router, identity: &Identity, listen: SocketAddr) -> io::Result<Running> {
    let listener = TcpListener::bind(listen)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let handle = Handle::new();
    let server =
        axum_server::from_tcp_rustls(listener, RustlsConfig::from_config(identity.config()))?
            .handle(handle.clone())
            .serve(router.into_make_service());
    Ok(Running {
        address,
        handle,
        task: tokio::spawn(server),
    })
}

impl Running {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address as an endpoint.
    pub fn endpoint(&self) -> String {
        format!("https://{}/", self.address)
    }

    /// Waits until it ends by itself.
    ///
    /// # Errors
    /// Why it ended.
    pub async fn ended(&mut self) -> io::Result<()> {
        (&mut self.task).await.map_err(io::Error::other)?
    }

    /// Ends it; calls in flight have this long.
    pub fn stop(&self, grace: Duration) {
        self.handle.graceful_shutdown(Some(grace));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.handle.shutdown();
    }
}
