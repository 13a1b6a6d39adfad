//! Streamable HTTP, over TLS.

mod metered;
mod trust;

use std::{sync::Arc, time::Duration};

use rmcp::{
    RoleClient,
    transport::{
        StreamableHttpClientTransport, Transport, common::client_side_sse::FixedInterval,
        streamable_http_client::StreamableHttpClientTransportConfig,
    },
};
use url::Url;

use crate::byte_budget::ByteBudget;
use metered::MeteredClient;
pub(crate) use trust::TrustStore;
pub use trust::TrustStoreError;

/// How often, and how long apart, a broken stream of answers is taken up again. The call itself is never sent twice.
const RESUMPTIONS: usize = 3;
const RESUME_DELAY: Duration = Duration::from_millis(300);

/// How long the notification that a call is cancelled may take.
const CONTROL_TIMEOUT: Duration = Duration::from_millis(500);

/// A connection to a service.
pub(crate) fn transport(
    address: &Url,
    token: Option<&str>,
    trust: &TrustStore,
    allowance: &ByteBudget,
) -> reqwest::Result<impl Transport<RoleClient, Error = metered::HttpError> + 'static> {
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(trust.tls())
        .https_only(true)
        // Another address is another host that nobody allowed.
        .redirect(reqwest::redirect::Policy::none())
        // What a proxy in the environment would reach is not what the list of hosts allows.
        .no_proxy()
        .retry(reqwest::retry::never())
        .build()?;
    let most = usize::try_from(allowance.limit()).unwrap_or(usize::MAX);
    let mut resumption = FixedInterval::default();
    resumption.max_times = Some(RESUMPTIONS);
    resumption.duration = RESUME_DELAY;
    let mut config = StreamableHttpClientTransportConfig::with_uri(address.as_str())
        .max_json_response_size(most)
        .max_sse_event_size(most)
        .control_request_timeout(CONTROL_TIMEOUT)
        // A new session would mean a second call under one receipt.
        .reinit_on_expired_session(false);
    config.retry_config = Arc::new(resumption);
    config.auth_header = token.map(str::to_owned);
    let client = MeteredClient::new(client, allowance.clone());
    Ok(StreamableHttpClientTransport::with_client(client, config))
}
