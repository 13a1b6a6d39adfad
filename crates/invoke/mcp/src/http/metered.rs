//! The HTTP client under the protocol, with everything that comes counted.

use std::{collections::HashMap, sync::Arc};

use futures_util::{StreamExt, future, stream::BoxStream};
use http::{HeaderName, HeaderValue};
use rmcp::{
    model::ClientJsonRpcMessage,
    transport::streamable_http_client::{
        SseError, StreamableHttpClient, StreamableHttpError, StreamableHttpPostResponse,
        StreamableHttpResponseLimits,
    },
};
use sse_stream::Sse;

use crate::byte_budget::ByteBudget;

pub(crate) type HttpError = StreamableHttpError<reqwest::Error>;
type Headers = HashMap<HeaderName, HeaderValue>;
type Events = BoxStream<'static, Result<Sse, SseError>>;

/// Passes everything on to the library's own client. One message is limited there, before it is read; a stream of small
/// ones, which may never end, is limited here.
#[derive(Clone, Debug)]
pub(super) struct MeteredClient {
    client: reqwest::Client,
    allowance: ByteBudget,
}

impl MeteredClient {
    pub(super) fn new(client: reqwest::Client, allowance: ByteBudget) -> Self {
        Self { client, allowance }
    }

    fn metered(&self, events: Events) -> Events {
        let allowance = self.allowance.clone();
        let allowed = move |event: &Result<Sse, SseError>| {
            future::ready(match event {
                Ok(event) => allowance.take(length(event)),
                Err(error) => {
                    if is_too_large(error) {
                        allowance.exceed();
                    }
                    true
                }
            })
        };
        events.take_while(allowed).boxed()
    }
}

/// The library tells this error from a broken connection by a type that it keeps to itself; what is left is what it
/// says. A test calls a tool that answers too much.
fn is_too_large(error: &SseError) -> bool {
    matches!(error, SseError::Body(error) if error.to_string().contains("exceeded the maximum size"))
}

fn length(event: &Sse) -> usize {
    [&event.data, &event.id, &event.event]
        .into_iter()
        .flatten()
        .map(String::len)
        .sum::<usize>()
        .max(1)
}

impl StreamableHttpClient for MeteredClient {
    type Error = reqwest::Error;

    async fn post_message(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session_id: Option<Arc<str>>,
        auth_header: Option<String>,
        custom_headers: Headers,
    ) -> Result<StreamableHttpPostResponse, HttpError> {
        let limits = StreamableHttpResponseLimits::default();
        self.post_message_with_response_limits(
            uri,
            message,
            session_id,
            auth_header,
            custom_headers,
            limits,
        )
        .await
    }

    async fn post_message_with_response_limits(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session_id: Option<Arc<str>>,
        auth_header: Option<String>,
        custom_headers: Headers,
        limits: StreamableHttpResponseLimits,
    ) -> Result<StreamableHttpPostResponse, HttpError> {
        let response = self
            .client
            .post_message_with_response_limits(
                uri,
                message,
                session_id,
                auth_header,
                custom_headers,
                limits,
            )
            .await?;
        Ok(match response {
            StreamableHttpPostResponse::Sse(events, session) => {
                StreamableHttpPostResponse::Sse(self.metered(events), session)
            }
            StreamableHttpPostResponse::Json(message, session) => {
                // Close to what came: the library does not say how long it was.
                let length = serde_json::to_vec(&message).map_or(0, |bytes| bytes.len());
                self.allowance.take(length);
                StreamableHttpPostResponse::Json(message, session)
            }
            other => other,
        })
    }

    async fn delete_session(
        &self,
        uri: Arc<str>,
        session_id: Arc<str>,
        auth_header: Option<String>,
        custom_headers: Headers,
    ) -> Result<(), HttpError> {
        self.client
            .delete_session(uri, session_id, auth_header, custom_headers)
            .await
    }

    async fn get_stream(
        &self,
        uri: Arc<str>,
        session_id: Option<Arc<str>>,
        last_event_id: Option<String>,
        auth_header: Option<String>,
        custom_headers: Headers,
    ) -> Result<Events, HttpError> {
        let limits = StreamableHttpResponseLimits::default();
        self.get_stream_with_max_sse_event_size(
            uri,
            session_id,
            last_event_id,
            auth_header,
            custom_headers,
            limits.max_sse_event_size,
        )
        .await
    }

    async fn get_stream_with_max_sse_event_size(
        &self,
        uri: Arc<str>,
        session_id: Option<Arc<str>>,
        last_event_id: Option<String>,
        auth_header: Option<String>,
        custom_headers: Headers,
        max_sse_event_size: usize,
    ) -> Result<Events, HttpError> {
        let events = self
            .client
            .get_stream_with_max_sse_event_size(
                uri,
                session_id,
                last_event_id,
                auth_header,
                custom_headers,
                max_sse_event_size,
            )
            .await?;
        Ok(self.metered(events))
    }
}
