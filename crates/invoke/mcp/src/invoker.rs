//! The invoker.

use std::{io, path::PathBuf, sync::OnceLock, time::Duration};

use dotwrap_invoke::{
    AllowedHosts, Answer, CallOutcome, Failure, Invoker, Mode, ReadLimit, Secrets, Stop,
    StopRecord, ToolCall, UnsupportedContract, read_apart,
};
use dotwrap_supervisor::{
    CallFiles, CallFolder, Program, ProgramSpec, Report, SearchPath, Stdin, Supervisor,
    placeholders,
};
use dotwrap_types::Contract;
use futures_util::future::BoxFuture;
use rmcp::{model::CallToolResult, service::ClientLifecycleMode};
use serde_json::json;
use tokio::time::Instant;
use url::Url;

use crate::{
    TrustStoreError,
    answer::{self, Keeping},
    arguments,
    byte_budget::ByteBudget,
    evidence::Evidence,
    failed_call,
    http::{self, TrustStore},
    invocation::{Invocation, Server, token},
    limits::LimitWatch,
    session::{McpSession, SessionError, handshakes},
    stdio::{self, Shutdown},
};

/// How long behind the call's own deadline the supervisor ends a server by itself.
const GRACE_AFTER_DEADLINE: Duration = Duration::from_secs(1);

/// Calls tools of Model Context Protocol servers.
#[derive(Debug)]
pub struct McpInvoker {
    supervisor: Supervisor,
    search_path: SearchPath,
    allowed_hosts: AllowedHosts,
    /// Reading the system's certificates takes a moment, and not every runner calls a service.
    trust: OnceLock<TrustStore>,
}

impl McpInvoker {
    /// One that starts servers under this supervisor, and calls services on these hosts alone.
    pub fn new(supervisor: Supervisor, allowed_hosts: AllowedHosts) -> Self {
        Self {
            supervisor,
            search_path: SearchPath::of_system(),
            allowed_hosts,
            trust: OnceLock::new(),
        }
    }

    /// Looks for programs elsewhere.
    #[must_use]
    pub fn with_search_path(self, search_path: SearchPath) -> Self {
        Self {
            search_path,
            ..self
        }
    }

    /// Believes certificate authorities beside the system's: a PEM text with one or more.
    ///
    /// # Errors
    /// [`TrustStoreError`], where it cannot be read.
    pub fn with_authorities(self, pem: &[u8]) -> Result<Self, TrustStoreError> {
        Ok(Self {
            trust: OnceLock::from(TrustStore::new(Some(pem))?),
            ..self
        })
    }

    fn trust(&self) -> Result<&TrustStore, Failure> {
        if let Some(trust) = self.trust.get() {
            return Ok(trust);
        }
        let trust = TrustStore::new(None)
            .map_err(|error| Failure::new("tls_unavailable", error.to_string()))?;
        Ok(self.trust.get_or_init(|| trust))
    }

    async fn call(&self, call: &ToolCall, stop: Stop) -> Answer {
        let deadline = Instant::now() + call.time_limit();
        if let Some(reason) = stop.reason() {
            let nothing = StopRecord {
                reason,
                signals_sent: Vec::new(),
                exited: Vec::new(),
                possible_effects: Vec::new(),
            };
            let mut answer = Answer::new(CallOutcome::Stopped(nothing)).with("called", false);
            answer.called = false;
            return answer;
        }
        // Looked at once more: it may be another process than the one that checked, and time has passed.
        let invocation = match Invocation::read(&call.contract, &self.allowed_hosts) {
            Ok(invocation) => invocation,
            Err(unusable) => {
                return Answer::not_called(Failure::new(unusable.code, unusable.message))
                    .with("called", false);
            }
        };
        match self.prepare(call, &invocation, stop, deadline) {
            Ok((conversation, folder)) => {
                self.converse(call, &invocation, conversation, &folder)
                    .await
            }
            Err(failure) => Answer::not_called(failure).with("called", false),
        }
    }

    fn prepare<'a>(
        &self,
        call: &ToolCall,
        invocation: &'a Invocation,
        stop: Stop,
        deadline: Instant,
    ) -> Result<(McpSession<'a>, CallFolder), Failure> {
        let folder = CallFolder::of(call).map_err(no_folder)?;
        let values = placeholders::values(call, &folder);
        let mut facts = match &invocation.server {
            Server::Program(program) => {
                Evidence::new("stdio", &invocation.tool, program.copied_values())
            }
            Server::Service {
                token_environment, ..
            } => {
                let token = token(token_environment.as_deref()).ok().flatten();
                let secrets = token.into_iter().collect();
                Evidence::new("streamable_http", &invocation.tool, secrets)
            }
        };
        facts.note("max_response_bytes", invocation.allowance());
        let conversation = McpSession {
            tool: &invocation.tool,
            arguments: arguments::fill(&invocation.arguments, call, &values)?,
            mode: call.mode,
            watch: LimitWatch {
                stop,
                deadline,
                allowance: ByteBudget::of(invocation.allowance()),
            },
            facts,
            signals_sent: Vec::new(),
        };
        Ok((conversation, folder))
    }

    async fn converse(
        &self,
        call: &ToolCall,
        invocation: &Invocation,
        mut conversation: McpSession<'_>,
        folder: &CallFolder,
    ) -> Answer {
        let (result, report) = match &invocation.server {
            Server::Program(program) => {
                self.with_program(call, program, folder, &mut conversation)
                    .await
            }
            Server::Service {
                address,
                token_environment,
            } => {
                let token = token_environment.as_deref();
                let result = self.with_service(address, token, &mut conversation).await;
                (result, None)
            }
        };
        let asked_for = invocation
            .asks_for_output(call.role)
            .then(|| folder.output());
        let (secrets, transcripts) = (invocation.secrets(), transcripts(folder));
        let mut answer = match result {
            Ok(result) => {
                let keeping = Keeping {
                    call: call.clone(),
                    asked_for,
                    most: invocation.most_output(),
                    transcripts: transcripts.clone(),
                    secrets: secrets.clone(),
                };
                let keep = move |limit: &ReadLimit| answer::of(result, &keeping, limit);
                let watch = &mut conversation.watch;
                let kept = read_apart(keep, &mut watch.stop, &call.reading).await;
                kept.unwrap_or_else(|unread| failed_call::unread(unread, report.as_ref()))
            }
            Err(broken) => failed_call::of(broken, &conversation, report.as_ref()),
        };
        answer.called = conversation.facts.is_called();
        answer.evidence.extend(conversation.facts.into_evidence());
        without_secrets(answer, &secrets, transcripts).await
    }
}

impl McpInvoker {
    async fn with_program(
        &self,
        call: &ToolCall,
        spec: &ProgramSpec,
        folder: &CallFolder,
        conversation: &mut McpSession<'_>,
    ) -> (Result<CallToolResult, SessionError>, Option<Report>) {
        let values = placeholders::values(call, folder);
        let mut last = (Err(no_handshake()), None);
        for (attempt, handshake) in handshakes().into_iter().enumerate() {
            let (mut program, missing) =
                match spec.program(call, folder, &values, &self.search_path) {
                    Ok(prepared) => prepared,
                    Err(failure) => return (Err(failure.into()), None),
                };
            conversation.facts.environment_missing(&missing);
            let argv = program.recorded_argv(&spec.secrets());
            conversation.facts.argv(argv);
            if attempt > 0 {
                program.stderr.set_extension((attempt + 1).to_string());
            }
            last = self
                .run_with_program(program, handshake, conversation)
                .await;
            if !matches!(last.0, Err(SessionError::HandshakeRefused(_))) {
                break;
            }
        }
        last
    }

    async fn run_with_program(
        &self,
        mut program: Program,
        handshake: ClientLifecycleMode,
        conversation: &mut McpSession<'_>,
    ) -> (Result<CallToolResult, SessionError>, Option<Report>) {
        conversation.facts.note("program", json!(program.path));
        // Ours comes first, so that the server is told; this one holds if we do not.
        let deadline = conversation.watch.deadline;
        let left = deadline.saturating_duration_since(Instant::now());
        program.time_limit = Some(left + GRACE_AFTER_DEADLINE);
        program.leave = Some(conversation.watch.stop.leave());
        let (limits, stderr) = (program.limits.clone(), program.stderr.clone());
        let watch = &mut conversation.watch;
        let opened = CallFiles::open(&self.supervisor, &program.path, None, &mut watch.stop);
        let files = match opened.await {
            Ok(files) => files,
            Err(error) => {
                let failure = Failure::new("not_started", format!("no thread: {error}"));
                return (Err(failure.into()), None);
            }
        };
        // Waited for to its end whatever comes: what has only half started could not be seen to end.
        let mut server = match self.supervisor.start(program, Stdin::Piped).await {
            Ok(server) => server,
            Err(error) => {
                let failure = Failure::new(error.code.as_str(), error.why);
                return (Err(failure.into()), None);
            }
        };
        conversation.facts.started();
        let digests = files.digest(conversation.watch.stop.clone());
        let launch = server.launch();
        conversation.facts.note("sandbox", json!(launch.sandbox));
        if launch.sandbox.is_incomplete() {
            conversation.facts.note("sandbox_incomplete", true);
            let message = "the dry run had no complete sandbox";
            conversation.facts.warn("sandbox_incomplete", message);
        }
        let in_force = json!({ "set": limits, "not_enforced": launch.not_enforced });
        conversation.facts.note("limits", in_force);
        let result = match stdio::transport(&mut server, &conversation.watch.allowance) {
            Some(transport) => conversation.run_with_limits(transport, handshake).await,
            None => Err(no_handshake()),
        };
        let farewell = match &result {
            Err(SessionError::Interrupted(_)) => Shutdown::AtOnce,
            _ => Shutdown::Orderly,
        };
        let stop = &mut conversation.watch.stop;
        let report = stdio::end(server, farewell, &limits, stop).await;
        stdio::note(&mut conversation.facts, &report, &limits, &stderr);
        conversation.facts.digests(digests, result.is_ok()).await;
        (failed_call::apply_stop(result, &report), Some(report))
    }

    async fn with_service(
        &self,
        address: &Url,
        token_environment: Option<&str>,
        conversation: &mut McpSession<'_>,
    ) -> Result<CallToolResult, SessionError> {
        let trust = self.trust()?;
        let token = token(token_environment)
            .map_err(|unusable| Failure::new(unusable.code, unusable.message))?;
        conversation.facts.note("host", host_of(address));
        let mut last = Err(no_handshake());
        for handshake in handshakes() {
            let allowance = &conversation.watch.allowance;
            let transport = http::transport(address, token.as_deref(), trust, allowance)
                .map_err(|_error| Failure::new("tls_unavailable", "no HTTPS client can be made"))?;
            last = conversation.run_with_limits(transport, handshake).await;
            if !matches!(last, Err(SessionError::HandshakeRefused(_))) {
                break;
            }
        }
        last
    }
}

impl Invoker for McpInvoker {
    fn check(&self, contract: &Contract, mode: Mode) -> Result<(), UnsupportedContract> {
        match Invocation::read(contract, &self.allowed_hosts)?.server {
            Server::Program(program) => program.check(&self.search_path, &self.supervisor, mode),
            Server::Service { .. } => Ok(()),
        }
    }

    fn check_invocation(&self, contract: &Contract) -> Result<(), UnsupportedContract> {
        Invocation::parse(contract).map(drop)
    }

    fn warnings(&self, contract: &Contract) -> Vec<String> {
        match Invocation::parse(contract).map(|invocation| invocation.server) {
            Ok(Server::Program(program)) => program.warnings(),
            _ => Vec::new(),
        }
    }

    fn explain(&self, contract: &Contract) -> Result<Vec<String>, UnsupportedContract> {
        Invocation::parse(contract).map(|invocation| invocation.explain(contract))
    }

    fn invoke<'a>(&'a self, call: &'a ToolCall, stop: Stop) -> BoxFuture<'a, Answer> {
        Box::pin(self.call(call, stop))
    }
}

fn no_handshake() -> SessionError {
    SessionError::Failed(Failure::new(
        "not_started",
        "the server could not be spoken to",
    ))
}

fn no_folder(error: io::Error) -> Failure {
    Failure::new("folder_unusable", format!("the call's folder: {error}"))
}

fn host_of(address: &Url) -> String {
    let host = address.host_str().unwrap_or_default();
    match address.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// What a server's program prints on standard error: a second handshake has a file of its own.
fn transcripts(folder: &CallFolder) -> Vec<PathBuf> {
    vec![folder.stderr(), folder.stderr().with_extension("2")]
}

/// What a server was given and must not say is neither in its call's record nor in what we keep of what it printed.
async fn without_secrets(answer: Answer, secrets: &Secrets, transcripts: Vec<PathBuf>) -> Answer {
    let mut answer = secrets.hidden_in(answer);
    if answer.ending != CallOutcome::Completed && secrets.purge(transcripts).await {
        answer = answer.with("transcripts_removed", "they held a secret");
    }
    answer
}
