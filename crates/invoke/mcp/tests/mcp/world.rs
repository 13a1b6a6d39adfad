//! A contract, a call, and a server to call.

use std::{
    net::TcpListener,
    sync::{Arc, LazyLock, atomic::Ordering::SeqCst},
    time::Duration,
};

use axum::Router;
use axum_server::{Handle, tls_rustls::RustlsConfig};
use dotwrap_invoke::AllowedHosts;
use dotwrap_invoke::{
    Answer, CallOutcome, Digest, Failure, Invoker, Mode, Output, Produced, Stop, StopRecord,
    ToolCall,
};
use dotwrap_invoke_mcp::McpInvoker;
use dotwrap_supervisor::Supervisor;
use dotwrap_testkit::Version;
use dotwrap_wrapper::{
    ComponentRole, ComponentRunId, Contract, ContractDefinition, CorrelationId, ProcessRunId,
};
use rmcp::transport::{
    StreamableHttpServerConfig, StreamableHttpService,
    streamable_http_server::session::local::LocalSessionManager,
};
use rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer};
use serde_json::{Value as Json, json};
use tempfile::TempDir;
use tokio::net::TcpStream;
use uuid::Uuid;

use crate::registered::registered;
use crate::tools::Probe;

pub(crate) const PROBE: &str = env!("CARGO_BIN_EXE_mcp-probe");

/// A call, and the folder that goes with it.
pub(crate) struct Case {
    pub(crate) call: ToolCall,
    pub(crate) folder: TempDir,
}

pub(crate) fn contract(endpoint_ref: &str, invocation: Json) -> Contract {
    let mut contract = REGISTERED.clone();
    contract.endpoint_ref = Some(endpoint_ref.to_owned());
    contract.invocation = invocation;
    contract
}

/// A contract as the database returns it. Each test changes its own copy.
static REGISTERED: LazyLock<Contract> = LazyLock::new(|| {
    let definition = ContractDefinition {
        dot_code: "DOT_PROBE".to_owned(),
        mode: "DRY_RUN".to_owned(),
        output_namespace: Some("DRYRUN-NS:probe".to_owned()),
        no_mutation_assertion: Some(true),
        endpoint_ref: Some("mcp:probe".to_owned()),
        invocation: Some(json!({"tool": "explain"})),
        timeout_ms: Some(60_000),
        ..ContractDefinition::default()
    };
    registered(Version::V18, definition, "{}").0
});

impl Case {
    pub(crate) fn new(endpoint_ref: &str, invocation: Json) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("call");
        std::fs::create_dir(&own).unwrap();
        let call = ToolCall {
            dot_code: "DOT_PROBE".parse().unwrap(),
            role: ComponentRole::Producer,
            mode: Mode::DryRun,
            process_run_id: ProcessRunId::mint(),
            component_run_id: ComponentRunId::mint(),
            invocation_id: Uuid::now_v7(),
            correlation_id: CorrelationId::mint(),
            contract: contract(endpoint_ref, invocation),
            fixture: None,
            input_ref: Some("the input".to_owned()),
            input_digest: None,
            produced: None,
            output_path: None,
            verified_bytes: None,
            reading: Default::default(),
            folder: own,
        };
        Self { call, folder }
    }

    pub(crate) fn for_real(mut self) -> Self {
        self.call.mode = Mode::RealRun;
        self
    }

    pub(crate) fn within(mut self, milliseconds: i32) -> Self {
        self.call.contract.timeout_ms = milliseconds;
        self
    }

    /// A verifier of this output.
    pub(crate) fn verifying(mut self, output: &str) -> Self {
        let path = self.folder.path().join("produced");
        std::fs::write(&path, output).unwrap();
        self.call.role = ComponentRole::Verifier;
        self.call.contract.role = ComponentRole::Verifier;
        self.call.produced = Some(Produced {
            output: Output::of(&path).unwrap(),
            committed_digest: Digest::of(output),
            fields: Default::default(),
        });
        self
    }

    pub(crate) async fn run(&self, server: &Server) -> Answer {
        server.invoker.invoke(&self.call, Stop::never()).await
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.call.folder.join(name)).unwrap()
    }
}

/// A server on one of the transports, with who can call it.
pub(crate) struct Server {
    pub(crate) invoker: McpInvoker,
    pub(crate) endpoint_ref: String,
    /// Of a service, which is in this process.
    pub(crate) service: Option<Service>,
}

pub(crate) struct Service {
    pub(crate) probe: Probe,
    pub(crate) handle: Handle<std::net::SocketAddr>,
    pub(crate) authority: String,
    pub(crate) host: String,
}

impl Server {
    pub(crate) fn stdio() -> Self {
        let supervisor = Supervisor::with_executable(PROBE);
        Self {
            invoker: McpInvoker::new(supervisor, AllowedHosts::default()),
            endpoint_ref: format!("mcp:{PROBE}"),
            service: None,
        }
    }

    pub(crate) fn http() -> Self {
        Self::of_probe(Probe::default())
    }

    pub(crate) fn of_probe(probe: Probe) -> Self {
        let served = probe.clone();
        let service: StreamableHttpService<Probe, LocalSessionManager> = StreamableHttpService::new(
            move || Ok(served.clone()),
            Arc::default(),
            StreamableHttpServerConfig::default(),
        );
        Self::of_router(Router::new().nest_service("/mcp", service), probe)
    }

    /// A service over TLS on loopback, with a certificate of its own that the invoker is told to believe.
    pub(crate) fn of_router(router: Router, probe: Probe) -> Self {
        let service = Service::start(router, probe);
        let allowed = AllowedHosts::from_entries([&service.host]).unwrap();
        let invoker = McpInvoker::new(Supervisor::with_executable(PROBE), allowed)
            .with_authorities(service.authority.as_bytes())
            .unwrap();
        Self {
            invoker,
            endpoint_ref: format!("mcp:https://{}/mcp", service.host),
            service: Some(service),
        }
    }

    pub(crate) fn both() -> [Self; 2] {
        [Self::stdio(), Self::http()]
    }

    pub(crate) fn case(&self, tool: &str) -> Case {
        self.case_with(tool, json!({}))
    }

    pub(crate) fn case_with(&self, tool: &str, arguments: Json) -> Case {
        let invocation = json!({"tool": tool, "arguments": arguments});
        Case::new(&self.endpoint_ref, invocation)
    }

    pub(crate) async fn call(&self, tool: &str) -> Answer {
        self.case(tool).run(self).await
    }

    pub(crate) fn is_stdio(&self) -> bool {
        self.service.is_none()
    }
}

impl Service {
    fn start(router: Router, probe: Probe) -> Self {
        let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certified.cert.der().clone()], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let host = format!("localhost:{}", listener.local_addr().unwrap().port());
        let handle = Handle::new();
        let server =
            axum_server::from_tcp_rustls(listener, RustlsConfig::from_config(Arc::new(config)))
                .unwrap()
                .handle(handle.clone());
        tokio::spawn(server.serve(router.into_make_service()));
        Self {
            probe,
            handle,
            authority: certified.cert.pem(),
            host,
        }
    }
}

impl Service {
    /// Ends it, and waits until nobody listens any more.
    pub(crate) async fn ended(&self) {
        self.handle.shutdown();
        while TcpStream::connect(&self.host).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub(crate) async fn until_cancelled(&self) {
        while !self.probe.is_cancelled.load(SeqCst) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub(crate) async fn until_called(&self) {
        while self.probe.calls.load(SeqCst) == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// Waits for a word on the standard error of a server that is a process.
pub(crate) async fn until_it_says(case: &Case, word: &str) {
    let file = case.call.folder.join("stderr");
    while !std::fs::read_to_string(&file).is_ok_and(|said| said.contains(word)) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.handle.shutdown();
    }
}

pub(crate) fn failure(answer: &Answer) -> &Failure {
    match &answer.ending {
        CallOutcome::Failed(failure) => failure,
        other => panic!("{other:?}: {:?}", answer.evidence),
    }
}

pub(crate) fn stopped(answer: &Answer) -> &StopRecord {
    match &answer.ending {
        CallOutcome::Stopped(record) => record,
        other => panic!("{other:?}: {:?}", answer.evidence),
    }
}

/// The tool was not called. Of a service nothing ran then; a program that was started may have done anything.
#[track_caller]
pub(crate) fn assert_tool_not_called(server: &Server, answer: &Answer) {
    let ran = server.is_stdio();
    assert!(!answer.called, "the runner goes by this");
    assert_eq!(answer.evidence["called"], false);
    assert_eq!(failure(answer).outcome_unknown, ran, "{answer:?}");
    if ran {
        assert_eq!(answer.evidence["program_started"], true);
    }
}

#[track_caller]
pub(crate) fn assert_completed(answer: &Answer) {
    assert_eq!(
        answer.ending,
        CallOutcome::Completed,
        "{:?}",
        answer.evidence
    );
}

/// What the output file says.
pub(crate) fn output(answer: &Answer) -> Json {
    let output = answer.output.as_ref().unwrap();
    let bytes = std::fs::read(&output.path).unwrap();
    assert_eq!(output.digest, Digest::of(&bytes));
    serde_json::from_slice(&bytes).unwrap()
}

/// Whether a process is there, and no zombie.
pub(crate) fn runs(process: u64) -> bool {
    std::fs::read_to_string(format!("/proc/{process}/stat"))
        .is_ok_and(|stat| !stat.contains(") Z "))
}
