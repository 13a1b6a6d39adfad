//! Encryption of the connection, by libpq's `sslmode`.

use std::{path::Path, sync::Arc};

use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, WebPkiSupportedAlgorithms},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
};
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{TargetError, parameters::Parameters};

/// How much a server has to prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CertificateCheck {
    /// Nothing: encrypted, to whomever.
    None,
    /// A certificate of a trusted authority.
    Authority,
    /// A certificate of a trusted authority, for this very host name.
    HostName,
}

/// What the `ssl…` parameters ask for: the driver's mode, and the connector that does it.
pub(crate) fn from_parameters(
    parameters: &Parameters,
) -> Result<(SslMode, MakeRustlsConnect), TargetError> {
    let roots_named = parameters.get("sslrootcert").is_some() || default_root_file().is_some();
    let (mode, proof) = match parameters.get("sslmode") {
        // As libpq: a configured system store is used for verification.
        None if parameters.get("sslrootcert") == Some("system") => {
            (SslMode::Require, CertificateCheck::HostName)
        }
        None | Some("prefer" | "allow") => (SslMode::Prefer, CertificateCheck::None),
        Some("disable") => (SslMode::Disable, CertificateCheck::None),
        // As libpq: a root certificate that is there is heeded.
        Some("require") if roots_named => (SslMode::Require, CertificateCheck::Authority),
        Some("require") => (SslMode::Require, CertificateCheck::None),
        Some("verify-ca") => (SslMode::Require, CertificateCheck::Authority),
        Some("verify-full") => (SslMode::Require, CertificateCheck::HostName),
        Some(_) => return Err(TargetError::InvalidValue { keyword: "sslmode" }),
    };
    Ok((
        mode,
        MakeRustlsConnect::new(client_config(parameters, proof)?),
    ))
}

fn client_config(
    parameters: &Parameters,
    proof: CertificateCheck,
) -> Result<ClientConfig, TargetError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| TargetError::Tls {
            reason: error.to_string(),
        })?
        .dangerous()
        .with_custom_certificate_verifier(verifier(parameters, proof, provider)?);
    let config = match (parameters.get("sslcert"), parameters.get("sslkey")) {
        (Some(certificates), Some(key)) => builder
            .with_client_auth_cert(read_certificates(certificates)?, read_key(key)?)
            .map_err(|error| TargetError::Tls {
                reason: error.to_string(),
            })?,
        (None, None) => builder.with_no_client_auth(),
        _ => {
            return Err(TargetError::Tls {
                reason: "sslcert and sslkey go together".to_owned(),
            });
        }
    };
    Ok(config)
}

fn verifier(
    parameters: &Parameters,
    proof: CertificateCheck,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, TargetError> {
    let signature_algorithms = provider.signature_verification_algorithms;
    if proof == CertificateCheck::None {
        return Ok(Arc::new(NoHostnameVerification {
            signature_algorithms,
            authorities: None,
        }));
    }
    let authorities =
        WebPkiServerVerifier::builder_with_provider(load_root_store(parameters)?.into(), provider)
            .build()
            .map_err(|error| TargetError::Tls {
                reason: error.to_string(),
            })?;
    Ok(match proof {
        CertificateCheck::HostName => authorities,
        _ => Arc::new(NoHostnameVerification {
            signature_algorithms,
            authorities: Some(authorities),
        }),
    })
}

/// The trusted authorities: those of `sslrootcert`, else of `~/.postgresql/root.crt`, else the
/// system's. (libpq gives up in the last case; trusting the system's is what people mean.)
fn load_root_store(parameters: &Parameters) -> Result<RootCertStore, TargetError> {
    let mut roots = RootCertStore::empty();
    let file = match parameters.get("sslrootcert") {
        Some("system") => None,
        Some(file) => Some(file.to_owned()),
        None => default_root_file(),
    };
    let certificates = match file {
        Some(file) => read_certificates(&file)?,
        None => rustls_native_certs::load_native_certs().certs,
    };
    roots.add_parsable_certificates(certificates);
    if roots.is_empty() {
        return Err(TargetError::Tls {
            reason: "no root certificate was found to check the server's with".to_owned(),
        });
    }
    Ok(roots)
}

fn default_root_file() -> Option<String> {
    let file = std::env::home_dir()?.join(".postgresql").join("root.crt");
    file.is_file().then(|| file.to_string_lossy().into_owned())
}

fn read_certificates(file: &str) -> Result<Vec<CertificateDer<'static>>, TargetError> {
    CertificateDer::pem_file_iter(Path::new(file))
        .and_then(Iterator::collect)
        .map_err(|error| TargetError::Tls {
            reason: format!("certificate file {file}: {error}"),
        })
}

fn read_key(file: &str) -> Result<PrivateKeyDer<'static>, TargetError> {
    PrivateKeyDer::from_pem_file(Path::new(file)).map_err(|error| TargetError::Tls {
        reason: format!("key file {file}: {error}"),
    })
}

/// The verification of `sslmode=require` and `verify-ca`, as libpq means them. The server's name is not checked. The
/// handshake's signatures are checked in both modes.
#[derive(Debug)]
struct NoHostnameVerification {
    signature_algorithms: WebPkiSupportedAlgorithms,
    /// The trusted authorities of `verify-ca`. `require` has none: it encrypts against those who listen, not against
    /// those who pretend.
    authorities: Option<Arc<WebPkiServerVerifier>>,
}

impl ServerCertVerifier for NoHostnameVerification {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        use rustls::CertificateError::{NotValidForName, NotValidForNameContext};
        let Some(authorities) = &self.authorities else {
            return Ok(ServerCertVerified::assertion());
        };
        match authorities.verify_server_cert(certificate, intermediates, name, ocsp, now) {
            // The name is judged last: whatever else was wrong has been reported before it.
            Err(rustls::Error::InvalidCertificate(
                NotValidForName | NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            judged => judged,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.signature_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.signature_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.signature_algorithms.supported_schemes()
    }
}
