//! What holds for servers over HTTPS.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use axum::{
    Router,
    extract::Request,
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Redirect},
    routing::any,
};
use dotwrap_invoke::AllowedHosts;
use dotwrap_invoke::Invoker;
use dotwrap_invoke_mcp::McpInvoker;
use dotwrap_supervisor::Supervisor;
use rmcp::transport::{
    StreamableHttpServerConfig, StreamableHttpService,
    streamable_http_server::session::local::LocalSessionManager,
};
use serde_json::json;

use crate::{
    tools::Probe,
    world::{Case, PROBE, Server, assert_completed, failure},
};

#[tokio::test]
async fn a_certificate_that_nobody_believes_ends_it() {
    let server = Server::http();
    let host = &server.service.as_ref().unwrap().host;
    let doubting = McpInvoker::new(
        Supervisor::with_executable(PROBE),
        AllowedHosts::from_entries([host]).unwrap(),
    );
    let case = server.case("explain");
    let answer = doubting
        .invoke(&case.call, dotwrap_invoke::Stop::never())
        .await;
    let failure = failure(&answer);
    assert_eq!(failure.code, "server_unavailable");
    assert!(
        failure.message.contains("certificate"),
        "{}",
        failure.message
    );
    assert_eq!(answer.evidence["called"], false);
    assert!(!answer.called, "the runner goes by this");
}

#[tokio::test]
async fn a_host_that_is_no_longer_allowed_is_not_called() {
    let server = Server::http();
    let nobody = McpInvoker::new(Supervisor::with_executable(PROBE), AllowedHosts::default());
    let case = server.case("explain");
    let answer = nobody
        .invoke(&case.call, dotwrap_invoke::Stop::never())
        .await;
    assert_eq!(failure(&answer).code, "host_not_allowed");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let target = Server::http();
    let address = target.endpoint_ref.trim_start_matches("mcp:").to_owned();
    let router = Router::new().route(
        "/mcp",
        any(move || async move { Redirect::temporary(&address) }),
    );
    let server = Server::of_router(router, Probe::default());
    let answer = server.call("explain").await;
    let failure = failure(&answer);
    assert_eq!(failure.code, "http_status");
    assert!(failure.message.ends_with("307"), "{}", failure.message);
    assert_eq!(target.service.unwrap().probe.calls.load(SeqCst), 0);
}

#[tokio::test]
async fn a_token_is_sent_and_never_shown() {
    // The one variable of the environment whose value a test can know without setting it.
    let (name, token) = ("CARGO_PKG_NAME", env!("CARGO_PKG_NAME"));
    let expected = format!("Bearer {token}");
    let probe = Probe::default();
    let served = probe.clone();
    let service: StreamableHttpService<Probe, LocalSessionManager> = StreamableHttpService::new(
        move || Ok(served.clone()),
        Arc::default(),
        StreamableHttpServerConfig::default(),
    );
    let refused = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&refused);
    let guard = middleware::from_fn(move |request: Request, next: Next| {
        let (expected, counted) = (expected.clone(), Arc::clone(&counted));
        async move {
            let sent = request.headers().get(header::AUTHORIZATION);
            if sent.is_some_and(|sent| sent.as_bytes() == expected.as_bytes()) {
                return next.run(request).await;
            }
            counted.fetch_add(1, SeqCst);
            (StatusCode::UNAUTHORIZED, "no: the secret is 4711").into_response()
        }
    });
    let router = Router::new().nest_service("/mcp", service).layer(guard);
    let server = Server::of_router(router, probe);

    let mut case = server.case("explain");
    case.call.contract.invocation["token_environment"] = json!(name);
    let answer = case.run(&server).await;
    assert_completed(&answer);
    assert!(!format!("{answer:?}").contains(token));
    assert_eq!(refused.load(SeqCst), 0);

    // And one that the server says back, in whatever spelling, is not kept.
    for spelled in [token.to_owned(), token.replace('-', "%2d")] {
        let mut case = server.case_with("verify", json!({ "said": spelled }));
        case.call.contract.invocation["token_environment"] = json!(name);
        let answer = case.run(&server).await;
        assert_eq!(failure(&answer).code, "secret_in_answer");
        assert!(!format!("{answer:?}").contains(&spelled));
        let kept = std::fs::read_dir(&case.call.folder).unwrap().flatten();
        let kept: Vec<_> = kept.filter(|entry| entry.path().is_file()).collect();
        assert!(kept.is_empty(), "{kept:?}");
    }

    let answer = server.call("explain").await;
    assert_eq!(failure(&answer).code, "http_status");
    assert!(
        failure(&answer).message.ends_with("401"),
        "{}",
        failure(&answer).message
    );
    assert!(!format!("{answer:?}").contains("4711"));
}

#[tokio::test]
async fn a_service_that_ends_during_the_call_leaves_nobody_knowing() {
    let server = Server::http();
    let service = server.service.as_ref().unwrap();
    let case = server.case("hang");
    let ending = async {
        service.until_called().await;
        service.handle.shutdown();
    };
    let (answer, ()) = tokio::join!(case.run(&server), ending);
    let failure = failure(&answer);
    assert!(failure.outcome_unknown, "{failure:?}");
    assert_ne!(failure.code, "deadline");
    assert_eq!(service.probe.calls.load(SeqCst), 1);
}

#[tokio::test]
async fn unreachable_host_is_not_called() {
    let server = Server::http();
    let host = server.service.as_ref().unwrap().host.clone();
    server.service.as_ref().unwrap().ended().await;
    let answer = server.call("explain").await;
    assert_eq!(failure(&answer).code, "server_unavailable", "{host}");
    assert!(!failure(&answer).outcome_unknown);
}

#[tokio::test]
async fn what_is_no_server_of_the_protocol_is_told_from_one() {
    for (router, code) in [
        (
            Router::new().route("/mcp", any(|| async { "hello" })),
            "answer_invalid",
        ),
        (Router::new(), "http_status"),
        (
            Router::new().route("/mcp", any(|| async { StatusCode::BAD_GATEWAY })),
            "http_status",
        ),
    ] {
        let server = Server::of_router(router, Probe::default());
        let case: Case = server.case("explain");
        let answer = case.run(&server).await;
        assert_eq!(failure(&answer).code, code);
        assert_eq!(answer.evidence["called"], false);
        assert!(!answer.called, "the runner goes by this");
    }
}
