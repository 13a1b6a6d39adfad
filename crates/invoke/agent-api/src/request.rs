//! What goes over the wire to the service.

use dotwrap_invoke::{Failure, ToolCall};
use jiff::Timestamp;
use reqwest::{
    Client, RequestBuilder,
    header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE},
};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    body::{SentFlag, TrackedBody},
    endpoint::Endpoint,
    input::input_of,
    invocation::Token,
    trace::traceparent,
};

/// The request's body.
#[derive(Serialize)]
struct Body<'a> {
    dot_code: &'a str,
    mode: &'a str,
    process_run_id: uuid::Uuid,
    component_run_id: uuid::Uuid,
    correlation_id: &'a str,
    fixture_ref: Option<&'a str>,
    input: &'a RawValue,
    input_digest: Option<String>,
    output_namespace: Option<&'a str>,
    /// RFC 3339.
    deadline: Timestamp,
}

/// Makes the request; nothing is sent yet, and `sent` will tell when it is.
pub(crate) async fn request(
    client: &Client,
    endpoint: &Endpoint,
    token: Option<&Token>,
    call: &ToolCall,
    sent: SentFlag,
) -> Result<RequestBuilder, Failure> {
    let input = input_of(call).await?;
    let body = Body {
        dot_code: call.dot_code.as_str(),
        mode: call.mode.as_ref(),
        process_run_id: call.process_run_id.as_uuid(),
        component_run_id: call.component_run_id.as_uuid(),
        correlation_id: call.correlation_id.as_str(),
        fixture_ref: call.contract.fixture_ref.as_deref(),
        input: &input,
        input_digest: match &call.produced {
            Some(produced) => Some(produced.committed_digest.to_string()),
            None => call.input_digest.clone(),
        },
        output_namespace: call.contract.output_namespace.as_deref(),
        deadline: deadline(call),
    };
    let body = serde_json::to_vec(&body)
        .map_err(|error| Failure::new("request_invalid", error.to_string()))?;
    let mut request = client
        .post(endpoint.url.clone())
        .header(CONTENT_TYPE, "application/json")
        .header(ACCEPT, "application/json")
        .header(ACCEPT_ENCODING, "identity")
        .header("idempotency-key", call.invocation_id.to_string())
        .header("traceparent", traceparent(call))
        .body(reqwest::Body::wrap(TrackedBody::new(body, sent)));
    if let Some(value) = token.and_then(Token::header) {
        request = request.header(AUTHORIZATION, value);
    }
    Ok(request)
}

/// When the answer has to be here.
fn deadline(call: &ToolCall) -> Timestamp {
    Timestamp::now()
        .checked_add(call.time_limit())
        .unwrap_or(Timestamp::MAX)
}
