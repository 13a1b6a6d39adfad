//! Sending a request and reading its answer, with a limit on its size and words for everything that can go wrong.

use std::{error::Error, io};

use dotwrap_invoke::{Digest, Failure};
use reqwest::{RequestBuilder, Response, StatusCode, header::CONTENT_ENCODING, tls::TlsInfo};
use rustls::CertificateError;

/// Sends a request; the answer's body is not read yet.
pub(crate) async fn send(request: RequestBuilder) -> Result<Response, Failure> {
    request.send().await.map_err(|error| of_transport(&error))
}

/// Whether the service says that it did what it was called for.
pub(crate) fn check_head(response: &Response) -> Result<(), Failure> {
    let status = response.status();
    if status.is_redirection() {
        let message = format!(
            "the service answered with a redirect, HTTP status {status}; it was not followed"
        );
        // The others say that it was done, and that the answer is elsewhere.
        let is_undone = matches!(
            status,
            StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT
        );
        return Err(Failure {
            outcome_unknown: !is_undone,
            ..Failure::new("redirect_refused", message)
        });
    }
    if !status.is_success() {
        return Err(Failure {
            outcome_unknown: status.is_server_error(),
            ..Failure::new(
                "http_status",
                format!("the service answered with HTTP status {status}"),
            )
        });
    }
    match response.headers().get(CONTENT_ENCODING) {
        Some(encoding) if encoding != "identity" => Err(Failure::new(
            "protocol",
            "the answer is compressed, which was not asked for",
        )),
        _ => Ok(()),
    }
}

/// Reads the body, and not a byte more than the limit allows.
pub(crate) async fn read(response: &mut Response, limit: u64) -> Result<Vec<u8>, Failure> {
    let too_large = || {
        let message = format!("the answer is larger than {limit} bytes; the connection was closed");
        Failure::unknown("response_too_large", message)
    };
    if response
        .content_length()
        .is_some_and(|length| length > limit)
    {
        return Err(too_large());
    }
    let mut body = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| of_transport(&error))?
    {
        if (body.len() + chunk.len()) as u64 > limit {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The digest of the certificate that the service proved itself with.
pub(crate) fn peer_certificate(response: &Response) -> Option<Digest> {
    let info = response.extensions().get::<TlsInfo>()?;
    info.peer_certificate().map(Digest::of)
}

/// The caller, which knows whether the request left, decides what became of the call: see [`crate::body`].
fn of_transport(error: &reqwest::Error) -> Failure {
    if !error.is_connect() {
        let message = format!("the connection was lost: {}", causes(error));
        return Failure::unknown("connection_lost", message);
    }
    if let Some(tls) = chain(error).find_map(tls_error) {
        let message = format!("{}: {}{}", what_failed(tls), causes(error), hint(tls));
        return Failure::unknown("tls_failed", message);
    }
    let message = format!("the service cannot be reached: {}", causes(error));
    Failure::unknown("unreachable", message)
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
}

/// An `io::Error` gives what it wraps not as its source but only on request, and may wrap another.
fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let wrapped = error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref);
    error
        .downcast_ref()
        .or_else(|| wrapped.and_then(|wrapped| tls_error(wrapped)))
}

fn what_failed(error: &rustls::Error) -> &'static str {
    match error {
        rustls::Error::InvalidCertificate(_) => "the service could not prove who it is",
        _ => "no TLS connection could be made",
    }
}

/// Another authority helps only where the authority is what is missing.
fn hint(error: &rustls::Error) -> &'static str {
    match error {
        rustls::Error::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::BadSignature,
        ) => {
            "; its certificate is of an authority that the system does not know: where that authority is to be \
             trusted, name its file in agent_ca (DOTWRAP_AGENT_CA)"
        }
        _ => "",
    }
}

/// The causes, without the client's own words, which repeat the address.
fn causes(error: &reqwest::Error) -> String {
    let mut texts: Vec<String> = chain(error).skip(1).map(ToString::to_string).collect();
    texts.dedup();
    if texts.is_empty() {
        return "no cause is known".to_owned();
    }
    texts.join(": ")
}
