//! The identity of the service: a certificate and its key.

use std::{
    fs,
    io::{self, Write},
    net::IpAddr,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

/// A server's certificates and key, ready for use.
#[derive(Clone)]
pub struct Identity(Arc<ServerConfig>);

/// Why the identity could not be loaded or created.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file holds no certificate or no key.
    #[error("{}: {source}", path.display())]
    Pem {
        /// Which.
        path: PathBuf,
        /// Why.
        source: rustls::pki_types::pem::Error,
    },
    /// Certificate and key cannot be used.
    #[error("certificate and key cannot be used: {0}")]
    Tls(#[from] rustls::Error),
    /// No certificate can be made.
    #[error("no certificate can be made: {0}")]
    Making(#[from] rcgen::Error),
}

impl Identity {
    /// Reads PEM files.
    ///
    /// # Errors
    /// [`IdentityError`].
    pub fn from_files(certificates: &Path, key: &Path) -> Result<Self, IdentityError> {
        let pem = |path: &Path| {
            let path = path.to_owned();
            move |source| IdentityError::Pem { path, source }
        };
        let chain: Vec<_> = CertificateDer::pem_file_iter(certificates)
            .and_then(Iterator::collect)
            .map_err(pem(certificates))?;
        let key = PrivateKeyDer::from_pem_file(key).map_err(pem(key))?;
        // Named, so that it does not matter what else the program is built with.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(Arc::new(config)))
    }

    /// Makes an authority of its own and a certificate by it for `localhost` and these addresses, and writes `ca.pem`,
    /// `cert.pem` and `key.pem` into a folder. The authority's key is kept nowhere.
    ///
    /// # Errors
    /// [`IdentityError`].
    pub fn self_signed(folder: &Path, addresses: &[IpAddr]) -> Result<Self, IdentityError> {
        let mut authority = CertificateParams::new(Vec::new())?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
        let names = addresses.iter().map(IpAddr::to_string);
        let names: Vec<_> = names.chain(["localhost".to_owned()]).collect();
        let key = KeyPair::generate()?;
        let certificate = CertificateParams::new(names)?.signed_by(&key, &authority)?;
        for (name, text) in [
            ("ca.pem", authority.pem()),
            ("cert.pem", certificate.pem()),
            ("key.pem", key.serialize_pem()),
        ] {
            let path = folder.join(name);
            write_privately(&path, &text).map_err(|source| IdentityError::File { path, source })?;
        }
        Self::from_files(&folder.join("cert.pem"), &folder.join("key.pem"))
    }

    pub(super) fn config(&self) -> Arc<ServerConfig> {
        self.0.clone()
    }
}

fn write_privately(path: &Path, text: &str) -> io::Result<()> {
    // A file that is there already would keep the rights that it has.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?
        .write_all(text.as_bytes())
}
