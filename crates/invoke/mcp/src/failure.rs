//! What went wrong with a server, in words of our own: what it said is not repeated.

use std::error::Error;

use dotwrap_invoke::Failure;
use rmcp::{
    service::{ClientInitializeError, ServiceError},
    transport::streamable_http_client::StreamableHttpError,
};

/// A server that could not be talked to at all. No tool was called.
pub(crate) fn not_connected(error: &ClientInitializeError) -> Failure {
    let (code, what) = match error {
        // A server that ends at once is noticed by the writer or by the reader, whichever comes first: it is the same.
        ClientInitializeError::TransportError { error, .. } => {
            match described(error.error.as_ref()) {
                ("connection_lost", what) => ("server_unavailable", what),
                other => other,
            }
        }
        ClientInitializeError::ConnectionClosed(_) => (
            "server_unavailable",
            "it ended the connection before it had answered".to_owned(),
        ),
        ClientInitializeError::JsonRpcError(refusal) => (
            "handshake_refused",
            format!("it refused the handshake with error {}", refusal.code.0),
        ),
        ClientInitializeError::NoCompatibleProtocolVersion { .. } => (
            "handshake_refused",
            "it speaks no revision of the protocol that is known here".to_owned(),
        ),
        ClientInitializeError::LegacyFallbackFailed { fallback, .. } => {
            return not_connected(fallback);
        }
        _ => (
            "handshake_refused",
            "it did not answer the handshake as the protocol has it".to_owned(),
        ),
    };
    Failure::new(code, format!("cannot communicate with the server: {what}"))
}

/// A server that did not say which tools it has. No tool was called.
pub(crate) fn not_listed(error: &ServiceError) -> Failure {
    let (code, what) = lost(error);
    Failure::new(code, format!("the server did not list its tools: {what}"))
}

/// A call without the answer that it should have had.
pub(crate) fn not_answered(error: &ServiceError) -> Failure {
    match error {
        ServiceError::McpError(refusal) => Failure::new(
            "call_refused",
            format!("the server answered the call with error {}", refusal.code.0),
        ),
        other => {
            let (code, what) = lost(other);
            Failure::unknown(code, format!("the call was not answered: {what}"))
        }
    }
}

fn lost(error: &ServiceError) -> (&'static str, String) {
    match error {
        ServiceError::McpError(refusal) => (
            "server_refused",
            format!("it answered with error {}", refusal.code.0),
        ),
        ServiceError::TransportSend(error) => described(error.error.as_ref()),
        ServiceError::UnexpectedResponse => (
            "answer_invalid",
            "its answer is not what the protocol has for the request".to_owned(),
        ),
        _ => (
            "connection_lost",
            "the connection ended, or the server did".to_owned(),
        ),
    }
}

/// More came than may.
pub(crate) const TOO_LARGE: &str = "response_too_large";

fn described(error: &(dyn Error + 'static)) -> (&'static str, String) {
    match error.downcast_ref::<StreamableHttpError<reqwest::Error>>() {
        Some(error) => described_http(error),
        None => (
            "connection_lost",
            "the connection broke, or the server ended".to_owned(),
        ),
    }
}

fn described_http(error: &StreamableHttpError<reqwest::Error>) -> (&'static str, String) {
    match error {
        StreamableHttpError::Client(error) if error.is_connect() => (
            "server_unavailable",
            format!("no connection could be made: {}", root_of(error)),
        ),
        StreamableHttpError::Client(_) => ("connection_lost", "the connection broke".to_owned()),
        StreamableHttpError::ResponseBodyTooLarge { max_size } => (
            TOO_LARGE,
            format!("it answered with more than {max_size} bytes"),
        ),
        StreamableHttpError::HttpStatus(status) => (
            "http_status",
            format!("it answered with HTTP status {}", status.status),
        ),
        StreamableHttpError::AuthRequired(_) => (
            "http_status",
            "it answered with HTTP status 401, and wants to be authorized to".to_owned(),
        ),
        StreamableHttpError::InsufficientScope(_) => (
            "http_status",
            "it answered with HTTP status 403: the authorization is not enough".to_owned(),
        ),
        StreamableHttpError::SessionExpired => (
            "connection_lost",
            "it no longer knows the session (HTTP status 404)".to_owned(),
        ),
        StreamableHttpError::UnexpectedServerResponse(text) => match status_in(text) {
            Some(status) => (
                "http_status",
                format!("it answered with HTTP status {status}"),
            ),
            None => (
                "answer_invalid",
                "its answer is not of the protocol".to_owned(),
            ),
        },
        StreamableHttpError::UnexpectedContentType(_) | StreamableHttpError::Deserialize(_) => (
            "answer_invalid",
            "its answer is not of the protocol".to_owned(),
        ),
        _ => ("connection_lost", "the connection broke".to_owned()),
    }
}

/// The library puts a status it has no kind for in front of what the server said.
fn status_in(text: &str) -> Option<u16> {
    let status = text.strip_prefix("HTTP ")?.get(..3)?.parse().ok()?;
    (100..=599).contains(&status).then_some(status)
}

/// What the system or the TLS library says, which is no text of the server's.
fn root_of(error: &reqwest::Error) -> String {
    let mut root: &dyn Error = error;
    while let Some(source) = root.source() {
        root = source;
    }
    root.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_status_is_taken_from_what_the_library_says() {
        assert_eq!(status_in("HTTP 302 Found: the secret is 7"), Some(302));
        assert_eq!(status_in("HTTP abc"), None);
        assert_eq!(status_in("could not parse: HTTP 200"), None);
    }
}
