//! The HTTPS client: it goes where it is told, and nowhere else.

use std::{io, path::Path, sync::Arc, time::Duration};

use reqwest::{Client, redirect, retry};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

use crate::{Settings, SetupError};

/// How long a host may take to answer at all. Whoever waits longer than this for a connection has sent nothing yet, and
/// can say so.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// Makes the client. What other crates of a build switch on in reqwest (proxies, compression, HTTP/2) is switched off
/// here by name.
pub(crate) fn client(settings: &Settings) -> Result<Client, SetupError> {
    Client::builder()
        .tls_backend_preconfigured(tls(settings)?)
        .tls_info(true)
        .https_only(true)
        .redirect(redirect::Policy::none())
        .no_proxy()
        .referer(false)
        // A retry is the runner's to decide: a second request would be a second call.
        .retry(retry::never())
        // One call, one connection: closing it is how a call is stopped, and an idle one may die unseen.
        .http1_only()
        .pool_max_idle_per_host(0)
        // The limit on an answer is one on what comes out of it, too.
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate()
        .connect_timeout(CONNECT_LIMIT)
        .user_agent(concat!("dotwrap/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| SetupError::Client(io::Error::other(error)))
}

fn tls(settings: &Settings) -> Result<ClientConfig, SetupError> {
    // Named, so that it does not matter what else the program is built with.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| SetupError::Client(io::Error::other(error)))?
        .with_root_certificates(authorities(settings)?)
        .with_no_client_auth();
    Ok(config)
}

/// Whether the files of the settings can be read: that is said before a call, and costs little. The system's own
/// certificates are some hundred files, which only a call over HTTPS has to read.
pub(crate) fn check_authority_files(settings: &Settings) -> Result<(), SetupError> {
    add_files(&mut RootCertStore::empty(), settings)
}

fn authorities(settings: &Settings) -> Result<RootCertStore, SetupError> {
    let mut authorities = RootCertStore::empty();
    // A system without authorities is none to complain about: a private one may be all that is needed.
    authorities.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    add_files(&mut authorities, settings)?;
    Ok(authorities)
}

fn add_files(authorities: &mut RootCertStore, settings: &Settings) -> Result<(), SetupError> {
    for path in &settings.authority_files {
        add_file(authorities, path).map_err(|reason| SetupError::Authority {
            path: path.clone(),
            reason,
        })?;
    }
    Ok(())
}

fn add_file(authorities: &mut RootCertStore, path: &Path) -> Result<(), String> {
    let certificates: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| error.to_string())?;
    if certificates.is_empty() {
        return Err("there is none in it".to_owned());
    }
    certificates
        .into_iter()
        .try_for_each(|certificate| authorities.add(certificate))
        .map_err(|error| error.to_string())
}
