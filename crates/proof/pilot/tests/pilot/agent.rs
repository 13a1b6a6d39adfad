//! The reference agent service, over TLS on loopback.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Command, Stdio},
    sync::Arc,
};

use dotwrap_pilot::{
    CANDIDATE, FIXTURE_REF, PRODUCER, VERIFIER,
    agent::{Identity, Running, pilot_fixtures, router, serve},
    digest_of,
};
use reqwest::{Client, StatusCode};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use serde_json::{Value as Json, json};
use tempfile::TempDir;

const NAMESPACE: &str = "DRYRUN-NS:kg/explain";

struct Service {
    folder: TempDir,
    running: Running,
}

impl Service {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listen: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let identity = Identity::self_signed(folder.path(), &[listen.ip()]).unwrap();
        let running = serve(router(pilot_fixtures().unwrap()), &identity, listen).unwrap();
        Self { folder, running }
    }

    async fn post(&self, key: Option<&str>, body: &Json) -> (StatusCode, Json) {
        post(&client(&self.folder), &self.running.endpoint(), key, body).await
    }
}

/// A client that trusts the folder's authority and no other.
fn client(folder: &TempDir) -> Client {
    let authority = CertificateDer::from_pem_file(folder.path().join("ca.pem")).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(authority).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Client::builder()
        .tls_backend_preconfigured(config)
        .no_proxy()
        .build()
        .unwrap()
}

async fn post(
    client: &Client,
    endpoint: &str,
    key: Option<&str>,
    body: &Json,
) -> (StatusCode, Json) {
    let mut request = client.post(endpoint).body(body.to_string());
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    let response = request.send().await.unwrap();
    let status = response.status();
    let body = response.bytes().await.unwrap();
    (status, serde_json::from_slice(&body).unwrap())
}

fn request(dot_code: &str, input: &Json, input_digest: Option<&str>) -> Json {
    json!({
        "dot_code": dot_code, "mode": "DRY_RUN", "process_run_id": "0", "component_run_id": "0",
        "correlation_id": CANDIDATE, "fixture_ref": FIXTURE_REF, "input": input, "input_digest": input_digest,
        "output_namespace": NAMESPACE, "deadline": "2030-01-01T00:00:00Z",
    })
}

fn canonical_digest(json: &Json) -> String {
    digest_of(serde_json_canonicalizer::to_vec(json).unwrap())
}

#[tokio::test]
async fn pair_passes_and_reports_mock() {
    let service = Service::start();
    let (status, explained) = service
        .post(Some("1"), &request(PRODUCER, &Json::Null, None))
        .await;
    assert_eq!(status, StatusCode::OK);
    let digest = canonical_digest(&explained["output"]);
    assert_eq!(explained["output_digest"], digest);
    let body = request(VERIFIER, &explained["output"], Some(&digest));
    let (status, verified) = service.post(Some("2"), &body).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(verified["verdict"], "pass");
    assert_eq!(verified["output"]["verified_digest"], digest);
    for answer in [explained, verified] {
        assert_eq!(
            (&answer["is_mock"], &answer["writes"]),
            (&json!(true), &json!(0))
        );
        assert_eq!(answer["output_namespace"], NAMESPACE);
    }
}

#[tokio::test]
async fn an_explanation_that_was_changed_fails() {
    let service = Service::start();
    let (_, explained) = service
        .post(Some("1"), &request(PRODUCER, &Json::Null, None))
        .await;
    let mut changed = explained["output"].clone();
    changed["cited_nodes"][0] = json!("service:billing");
    let committed = explained["output_digest"].as_str();
    let (_, verified) = service
        .post(Some("2"), &request(VERIFIER, &changed, committed))
        .await;
    assert_eq!(verified["verdict"], "fail");
    let failed = verified["output"]["failed_checks"].as_array().unwrap();
    let checks: Vec<_> = failed.iter().map(|failed| &failed["check"]).collect();
    assert_eq!(checks, ["digest_matches", "nodes_in_subgraph"]);
}

#[tokio::test]
async fn the_same_key_gives_the_same_answer_and_no_other_request_gets_it() {
    let service = Service::start();
    let mut body = request(PRODUCER, &Json::Null, None);
    let first = service.post(Some("key"), &body).await;
    body["deadline"] = json!("2031-01-01T00:00:00Z");
    assert_eq!(service.post(Some("key"), &body).await, first);
    body["correlation_id"] = json!("another");
    let (status, _) = service.post(Some("key"), &body).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_request_without_a_key_or_for_something_unknown_is_refused() {
    let service = Service::start();
    let known = request(PRODUCER, &Json::Null, None);
    let mut other_fixture = request(VERIFIER, &json!({}), None);
    other_fixture["fixture_ref"] = json!("other");
    for (key, body, expected) in [
        (None, known, StatusCode::BAD_REQUEST),
        (Some("1"), json!({}), StatusCode::BAD_REQUEST),
        (
            Some("2"),
            request("DOT_X", &Json::Null, None),
            StatusCode::NOT_FOUND,
        ),
        (Some("3"), other_fixture, StatusCode::NOT_FOUND),
    ] {
        let (status, problem) = service.post(key, &body).await;
        assert_eq!(
            (status, &problem["status"]),
            (expected, &json!(expected.as_u16()))
        );
    }
}

#[tokio::test]
async fn program_prints_its_address_and_serves_until_sigterm() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = folder.path().join("mine.json");
    let pilot = include_str!("../../../../../catalogue/fixtures/kg_explain.json");
    fs::write(&fixture, pilot.replace("service:checkout", "service:till")).unwrap();
    let mut process = Command::new(env!("CARGO_BIN_EXE_dotwrap-reference-agent"))
        .arg("--self-signed")
        .arg(folder.path())
        .arg("--fixture")
        .arg(format!("mine={}", fixture.display()))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut endpoint = String::new();
    BufReader::new(process.stdout.take().unwrap())
        .read_line(&mut endpoint)
        .unwrap();
    let mut body = request(PRODUCER, &Json::Null, None);
    body["fixture_ref"] = json!("mine");
    let (_, answer) = post(&client(&folder), endpoint.trim(), Some("1"), &body).await;
    assert_eq!(answer["output"]["target"], "service:till");
    Command::new("kill")
        .arg(process.id().to_string())
        .status()
        .unwrap();
    assert!(process.wait().unwrap().success());
}
