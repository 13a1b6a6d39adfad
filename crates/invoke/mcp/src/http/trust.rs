//! Whose certificates are believed.

use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};

/// The system's authorities, and some more.
#[derive(Clone, Debug)]
pub(crate) struct TrustStore(Arc<ClientConfig>);

/// Authorities that cannot be believed, because they cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TrustStoreError {
    /// The text is no PEM.
    #[error("the extra certificate authorities cannot be read")]
    Pem(#[from] rustls::pki_types::pem::Error),
    /// A certificate in it is none, or the TLS library wants nothing to do with it.
    #[error(transparent)]
    Tls(#[from] rustls::Error),
    /// There is nothing in it.
    #[error("the text of the extra certificate authorities holds no certificate")]
    Empty,
}

impl TrustStore {
    /// The system's authorities, as far as they can be read, and the certificates of a PEM text.
    pub(crate) fn new(extra: Option<&[u8]>) -> Result<Self, TrustStoreError> {
        let mut roots = RootCertStore::empty();
        // A store with one unreadable certificate is no reason to believe none of the others.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if let Some(pem) = extra {
            let extra = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>()?;
            if extra.is_empty() {
                return Err(TrustStoreError::Empty);
            }
            for certificate in extra {
                roots.add(certificate)?;
            }
        }
        let provider = Arc::new(ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self(Arc::new(config)))
    }

    pub(crate) fn tls(&self) -> ClientConfig {
        ClientConfig::clone(&self.0)
    }
}
