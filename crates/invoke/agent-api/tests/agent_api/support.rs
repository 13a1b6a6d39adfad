//! A service that answers what a test wants, and calls of it.

use std::{
    convert::Infallible,
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, LazyLock, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use dotwrap_invoke::{
    Answer, CallOutcome, Digest, Failure, Invoker, Mode, Output, Produced, Stop, ToolCall,
};
use dotwrap_invoke_agent_api::{AgentApiInvoker, Settings};
use dotwrap_pilot::agent::{Identity, Running, serve};
use dotwrap_testkit::Version;
use dotwrap_wrapper::{
    ComponentRole, ComponentRunId, Contract, ContractDefinition, Fixture, ProcessRunId,
};
use serde_json::{Value as Json, json};
use tempfile::TempDir;
use uuid::Uuid;

use crate::registered::registered;

pub(crate) const NAMESPACE: &str = "DRYRUN-NS:test";
pub(crate) const TOKEN_VARIABLE: &str = "SERVICE_TOKEN";
pub(crate) const TOKEN: &str = "s3cret-token-of-the-service";

/// What a service was sent.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Json,
}

type Log = Arc<Mutex<Vec<Received>>>;

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A service, its authority, and a folder for what its calls leave.
pub(crate) struct Service {
    pub(crate) folder: TempDir,
    pub(crate) running: Running,
    received: Log,
}

impl Service {
    /// A service that answers every request so.
    pub(crate) fn answering<A, R>(answer: A) -> Self
    where
        A: Fn() -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Response> + Send + 'static,
    {
        let received = Arc::default();
        let router = recording(&received, answer);
        Self::serving(router, received, &[LOOPBACK])
    }

    /// A service that answers with this JSON.
    pub(crate) fn saying(answer: &Json) -> Self {
        Self::saying_text(answer.to_string())
    }

    /// A service that answers with this text.
    pub(crate) fn saying_text(answer: String) -> Self {
        Self::answering(move || std::future::ready(answer.clone().into_response()))
    }

    pub(crate) fn of(router: Router) -> Self {
        Self::serving(router, Arc::default(), &[LOOPBACK])
    }

    /// A service whose certificate is for `localhost` and these addresses, which may be others than it has.
    pub(crate) fn certified_for(addresses: [IpAddr; 1]) -> Self {
        let received = Arc::default();
        let router = recording(&received, || {
            std::future::ready(honest(json!({})).to_string().into_response())
        });
        Self::serving(router, received, &addresses)
    }

    fn serving(router: Router, received: Log, addresses: &[IpAddr]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let identity = Identity::self_signed(folder.path(), addresses).unwrap();
        Self {
            running: serve(router, &identity, (LOOPBACK, 0).into()).unwrap(),
            folder,
            received,
        }
    }

    pub(crate) fn place(&self) -> String {
        self.running.address().to_string()
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// Settings that allow this service and trust its authority.
    pub(crate) fn settings(&self) -> Settings {
        Settings {
            allowed_hosts: self.place().parse().unwrap(),
            authority_files: vec![self.folder.path().join("ca.pem")],
            environment: |name| (name == TOKEN_VARIABLE).then(|| TOKEN.into()),
            ..Settings::default()
        }
    }

    pub(crate) fn invoker(&self) -> AgentApiInvoker {
        AgentApiInvoker::new(self.settings()).unwrap()
    }

    /// A call of a producer.
    pub(crate) fn call(&self) -> ToolCall {
        let folder = self.folder.path().join(Uuid::now_v7().to_string());
        std::fs::create_dir(&folder).unwrap();
        ToolCall {
            dot_code: "DOT_X".into(),
            role: ComponentRole::Producer,
            mode: Mode::DryRun,
            process_run_id: ProcessRunId::mint(),
            component_run_id: ComponentRunId::mint(),
            invocation_id: Uuid::now_v7(),
            correlation_id: "correlation".into(),
            contract: contract(&self.running.endpoint()),
            fixture: None,
            input_ref: Some("the input".to_owned()),
            input_digest: None,
            produced: None,
            output_path: None,
            verified_bytes: None,
            reading: Default::default(),
            folder,
        }
    }

    /// A call of a verifier, of an output with this file name.
    pub(crate) fn verifying(&self, name: &str, output: &[u8]) -> ToolCall {
        let path = self.folder.path().join(name);
        std::fs::write(&path, output).unwrap();
        ToolCall {
            role: ComponentRole::Verifier,
            produced: Some(Produced {
                output: Output::of(&path).unwrap(),
                committed_digest: Digest::of(output),
                fields: Default::default(),
            }),
            ..self.call()
        }
    }

    /// Calls it, after a look at the contract.
    pub(crate) async fn invoke(&self, call: &ToolCall) -> Answer {
        let invoker = self.invoker();
        invoker.check(&call.contract, call.mode).unwrap();
        invoker.invoke(call, Stop::never()).await
    }
}

/// Notes every request and answers it so.
fn recording<A, R>(received: &Log, answer: A) -> Router
where
    A: Fn() -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Response> + Send + 'static,
{
    let received = received.clone();
    Router::new().fallback(async move |headers: HeaderMap, body: Bytes| {
        let body = serde_json::from_slice(&body).unwrap();
        received.lock().unwrap().push(Received { headers, body });
        Ok::<_, Infallible>(answer().await)
    })
}

/// A contract with this endpoint.
pub(crate) fn contract(endpoint: &str) -> Contract {
    let mut contract = REGISTERED.0.clone();
    contract.endpoint_ref = Some(endpoint.to_owned());
    contract
}

/// A fixture with this body.
pub(crate) fn fixture(body: Json) -> Fixture {
    let mut fixture = REGISTERED.1.clone();
    fixture.body = body;
    fixture
}

/// A contract and a fixture as the database returns them. Each test changes its own copy.
static REGISTERED: LazyLock<(Contract, Fixture)> = LazyLock::new(|| {
    let definition = ContractDefinition {
        dot_code: "DOT_X".to_owned(),
        mode: "DRY_RUN".to_owned(),
        output_namespace: Some(NAMESPACE.to_owned()),
        no_mutation_assertion: Some(true),
        endpoint_ref: Some("https://example.com/".to_owned()),
        invocation: Some(json!({})),
        timeout_ms: Some(30_000),
        ..ContractDefinition::default()
    };
    registered(Version::V18, definition, "{}")
});

/// An honest answer with this output.
pub(crate) fn honest(output: Json) -> Json {
    let canonical = serde_json_canonicalizer::to_vec(&output).unwrap();
    json!({
        "output": output, "output_digest": Digest::of(canonical), "output_namespace": NAMESPACE,
        "is_mock": false, "writes": 0,
    })
}

/// An honest answer with one member changed; null takes it away.
pub(crate) fn honest_but(member: &str, value: Json) -> Json {
    let mut answer = honest(json!({"a": 1}));
    if value.is_null() {
        answer.as_object_mut().unwrap().remove(member);
    } else {
        answer[member] = value;
    }
    answer
}

/// The failure that a call ended with, which left nothing.
pub(crate) fn failure(answer: &Answer) -> &Failure {
    let CallOutcome::Failed(failure) = &answer.ending else {
        panic!("{answer:?}")
    };
    assert_eq!(answer.output, None, "{answer:?}");
    assert_eq!(answer.verdict, None, "{answer:?}");
    assert_eq!(answer.verified_digest, None, "{answer:?}");
    failure
}
