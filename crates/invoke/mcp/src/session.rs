//! One call, from the handshake to the tool's answer.

use std::{pin::pin, time::Duration};

use dotwrap_invoke::{Failure, Mode};
use rmcp::{
    Peer, RoleClient,
    model::{
        CallToolRequest, CallToolRequestParams, CallToolResult, ClientRequest, ProtocolVersion,
        ServerResult,
    },
    service::{
        ClientInitializeError, ClientLifecycleMode, ClientServiceExt, PeerRequestOptions,
        RequestHandle, ServiceError,
    },
    transport::IntoTransport,
};
use serde_json::{Map, Value as Json};

use crate::{
    client::RefusingClient,
    evidence::Evidence,
    failure,
    limits::{Interruption, LimitWatch},
    tools::{self, ToolLookup},
};

/// How long a server's side of the connection may take to hear that a call is cancelled.
const CANCEL_TIMEOUT: Duration = Duration::from_millis(100);

/// How long the connection may take to end in an orderly way.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(500);

/// And where the call was interrupted: a closed gate stops it within a second, the server's end included.
const ABORT_TIMEOUT: Duration = Duration::from_millis(100);

/// Why there is no answer of the tool's.
#[derive(Debug)]
pub(crate) enum SessionError {
    /// Somebody outside ended it.
    Interrupted(Interruption),
    /// It failed.
    Failed(Failure),
    /// The server refused this handshake, and may accept another.
    HandshakeRefused(Failure),
}

impl From<Interruption> for SessionError {
    fn from(interruption: Interruption) -> Self {
        Self::Interrupted(interruption)
    }
}

impl From<Failure> for SessionError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// The handshakes to try. Most servers know `initialize`; those that know only the revision after it want to be
/// discovered, and refuse `initialize` without having done anything.
pub(crate) fn handshakes() -> [ClientLifecycleMode; 2] {
    [
        ClientLifecycleMode::Initialize,
        ClientLifecycleMode::Discover {
            preferred_versions: vec![ProtocolVersion::LATEST],
        },
    ]
}

/// What is asked for, and what was found out while asking.
pub(crate) struct McpSession<'a> {
    pub(crate) tool: &'a str,
    pub(crate) arguments: Map<String, Json>,
    pub(crate) mode: Mode,
    pub(crate) watch: LimitWatch,
    pub(crate) facts: Evidence,
    /// What was told to stop, for the receipt of a stop.
    pub(crate) signals_sent: Vec<String>,
}

impl McpSession<'_> {
    /// Shakes hands, looks at the list of tools, and calls one. The connection has ended when this returns.
    pub(crate) async fn run_with_limits<T, E, A>(
        &mut self,
        transport: T,
        handshake: ClientLifecycleMode,
    ) -> Result<CallToolResult, SessionError>
    where
        T: IntoTransport<RoleClient, E, A>,
        E: std::error::Error + Send + Sync + 'static,
    {
        let client = RefusingClient::default();
        // On the heap: what it waits on is large.
        let connecting = Box::pin(client.clone().serve_with_lifecycle(transport, handshake));
        let mut service = match self.watch.over(connecting).await? {
            Ok(service) => service,
            Err(error) => return Err(not_connected(&error)),
        };
        let answer = self.run(service.peer()).await;
        let refused = client.refused();
        if !refused.is_empty() {
            self.facts.note("requests_refused", refused);
        }
        let wait_limit = match &answer {
            Err(SessionError::Interrupted(_)) => ABORT_TIMEOUT,
            _ => CLOSE_TIMEOUT,
        };
        let _closed_or_dropped = service.close_with_timeout(wait_limit).await;
        answer
    }

    async fn run(&mut self, peer: &Peer<RoleClient>) -> Result<CallToolResult, SessionError> {
        if let Some(server) = peer.peer_info() {
            self.facts.server(&server);
        }
        self.check_tool(peer).await?;
        // A stop that came meanwhile is heard before anything is sent, so that `called` says what happened.
        self.watch.over(std::future::ready(())).await?;
        self.facts.called();
        let request = ClientRequest::CallToolRequest(CallToolRequest::new(
            CallToolRequestParams::new(self.tool.to_owned())
                .with_arguments(std::mem::take(&mut self.arguments)),
        ));
        let call = peer
            .send_cancellable_request(request, PeerRequestOptions::no_options())
            .await
            .map_err(|error| failure::not_answered(&error))?;
        self.wait_for_answer(call).await
    }

    async fn check_tool(&mut self, peer: &Peer<RoleClient>) -> Result<(), SessionError> {
        let listed = self.watch.over(tools::find(peer, self.tool)).await?;
        let tool = match listed.map_err(|error| failure::not_listed(&error))? {
            ToolLookup::Once(tool) => tool,
            ToolLookup::Never => {
                return Err(missing("tool_missing", "the server has no tool of this name").into());
            }
            ToolLookup::Repeatedly => {
                let what = "the server lists several tools of this name";
                return Err(missing("tool_ambiguous", what).into());
            }
        };
        self.facts.annotations(tool.annotations.as_ref());
        let is_said_to_read_only =
            tool.annotations.and_then(|said| said.read_only_hint) == Some(true);
        if self.mode.may_mutate() || is_said_to_read_only {
            return Ok(());
        }
        let what = "the server does not say that the tool only reads (readOnlyHint), so it is not called below REAL_RUN";
        Err(missing("not_read_only", what).into())
    }

    async fn wait_for_answer(
        &mut self,
        mut call: RequestHandle<RoleClient>,
    ) -> Result<CallToolResult, SessionError> {
        let answered = {
            let answer = pin!(&mut call.rx);
            self.watch.over(answer).await
        };
        match answered {
            Ok(Ok(Ok(result))) => completed(result).map_err(SessionError::Failed),
            Ok(Ok(Err(error))) => Err(failure::not_answered(&error).into()),
            Ok(Err(_dropped)) => Err(failure::not_answered(&ServiceError::TransportClosed).into()),
            Err(interruption) => {
                self.cancel(call, interruption).await;
                Err(interruption.into())
            }
        }
    }

    /// Tells the server. It may listen or not; what ends the call is the end of the connection and of the process.
    async fn cancel(&mut self, call: RequestHandle<RoleClient>, why: Interruption) {
        let reason = match why {
            Interruption::Stopped(reason) => reason.to_string(),
            Interruption::Deadline => "deadline".to_owned(),
            Interruption::TooMuch => failure::TOO_LARGE.to_owned(),
        };
        let id = call.id.to_string();
        let cancelling = call.cancel(Some(reason));
        let outcome = match tokio::time::timeout(CANCEL_TIMEOUT, cancelling).await {
            Ok(Ok(())) => "sent",
            Ok(Err(_)) => "not sent: the connection had ended",
            Err(_elapsed) => "not sent: the server did not take it",
        };
        self.signals_sent.push(format!(
            "notifications/cancelled for request {id}: {outcome}"
        ));
    }
}

fn missing(code: &'static str, what: &str) -> Failure {
    Failure::new(code, what)
}

fn not_connected(error: &ClientInitializeError) -> SessionError {
    let failure = failure::not_connected(error);
    match error {
        ClientInitializeError::JsonRpcError(_) => SessionError::HandshakeRefused(failure),
        _ => SessionError::Failed(failure),
    }
}

fn completed(result: ServerResult) -> Result<CallToolResult, Failure> {
    match result {
        ServerResult::CallToolResult(result) => Ok(result),
        ServerResult::EmptyResult(_) => Ok(CallToolResult::success(Vec::new())),
        ServerResult::InputRequiredResult(_) => Err(Failure::new(
            "input_required",
            "the tool asks its caller a question, which nobody answers here",
        )),
        ServerResult::CreateTaskResult(_) => Err(Failure::unknown(
            "answer_invalid",
            "the server made the call a task, which goes on without us",
        )),
        _ => Err(Failure::unknown(
            "answer_invalid",
            "the server's answer is no answer to a call",
        )),
    }
}
