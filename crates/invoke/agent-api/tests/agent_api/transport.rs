//! What can go wrong on the way.

use std::{convert::Infallible, net::TcpListener, sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use dotwrap_invoke::{CallOutcome, Invoker, Stop, StopHandle, StopReason};
use dotwrap_invoke_agent_api::AgentApiInvoker;
use futures_util::stream;
use serde_json::json;
use tokio::sync::Notify;

use crate::support::{Service, contract, failure, honest};

fn with_status(status: StatusCode) -> Service {
    Service::answering(move || {
        let headers = [(header::LOCATION, "https://example.com/")];
        std::future::ready((status, headers, honest(json!({})).to_string()).into_response())
    })
}

#[tokio::test]
async fn an_error_status_fails_and_a_server_s_leaves_the_outcome_open() {
    for (status, is_unknown) in [
        (400, false),
        (404, false),
        (422, false),
        (500, true),
        (503, true),
    ] {
        let service = with_status(StatusCode::from_u16(status).unwrap());
        let answer = service.invoke(&service.call()).await;
        let failure = failure(&answer);
        assert_eq!(
            (failure.code, failure.outcome_unknown),
            ("http_status", is_unknown)
        );
        assert_eq!(answer.evidence["http_status"], status);
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let service = with_status(StatusCode::from_u16(status).unwrap());
        let answer = service.invoke(&service.call()).await;
        assert_eq!(failure(&answer).code, "redirect_refused", "{status}");
        assert_eq!(service.received().len(), 1);
    }
}

/// A body that never ends.
fn endless() -> Response {
    let chunk = || Some((Ok::<_, Infallible>(vec![b' '; 64 << 10]), ()));
    Body::from_stream(stream::unfold((), move |()| std::future::ready(chunk()))).into_response()
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let service = Service::answering(|| std::future::ready(endless()));
    let answer = service.invoke(&service.call()).await;
    let failure = failure(&answer);
    assert_eq!(failure.code, "response_too_large");
    assert!(failure.outcome_unknown);
}

#[tokio::test]
async fn a_contract_may_set_the_limit_on_an_answer() {
    let said = honest(json!({"a": "b"}));
    let length = said.to_string().len();
    let service = Service::saying(&said);
    let mut call = service.call();
    call.contract.invocation = json!({"max_response_bytes": length});
    assert_eq!(service.invoke(&call).await.ending, CallOutcome::Completed);
    let mut call = service.call();
    call.contract.invocation = json!({"max_response_bytes": length - 1});
    assert_eq!(
        failure(&service.invoke(&call).await).code,
        "response_too_large"
    );
}

#[tokio::test]
async fn a_compressed_answer_is_refused() {
    let service = Service::answering(|| {
        std::future::ready(([(header::CONTENT_ENCODING, "gzip")], "x").into_response())
    });
    assert_eq!(
        failure(&service.invoke(&service.call()).await).code,
        "protocol"
    );
}

/// Says that it is there no longer once the service has let go of it.
struct Dropped(Arc<Notify>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

/// A service that begins an answer and never ends it, or never begins one.
fn never_ending(begins: bool) -> (Service, Arc<Notify>, Arc<Notify>) {
    let (called, dropped) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (call, drop) = (called.clone(), dropped.clone());
    let service = Service::answering(move || {
        call.notify_one();
        let held = Dropped(drop.clone());
        async move {
            if !begins {
                std::future::pending::<()>().await;
            }
            let body = stream::unfold(held, async |held| {
                tokio::time::sleep(Duration::from_millis(5)).await;
                Some((Ok::<_, Infallible>(" "), held))
            });
            Body::from_stream(body).into_response()
        }
    });
    (service, called, dropped)
}

#[tokio::test]
async fn an_answer_that_is_too_slow_fails_and_its_connection_is_closed() {
    for begins in [true, false] {
        let (service, _, dropped) = never_ending(begins);
        let mut call = service.call();
        call.contract.timeout_ms = 300;
        let answer = service.invoke(&call).await;
        let failure = failure(&answer);
        assert_eq!((failure.code, failure.outcome_unknown), ("deadline", true));
        assert!(answer.called);
        assert_eq!(answer.evidence.contains_key("http_status"), begins);
        dropped.notified().await;
    }
}

#[tokio::test]
async fn a_stop_closes_the_connection_and_says_what_may_go_on() {
    for begins in [true, false] {
        let (service, called, dropped) = never_ending(begins);
        let (call, invoker) = (service.call(), service.invoker());
        let (handle, stop) = StopHandle::new();
        let stopping = async {
            called.notified().await;
            handle.stop(StopReason::GateClosed);
        };
        let (answer, ()) = tokio::join!(invoker.invoke(&call, stop), stopping);
        let CallOutcome::Stopped(record) = answer.ending else {
            panic!("{answer:?}")
        };
        assert_eq!(record.reason, StopReason::GateClosed);
        assert_eq!(
            record.signals_sent,
            [format!("connection to {} closed", service.place())]
        );
        let call = call.invocation_id;
        assert_eq!(
            record.possible_effects,
            [format!("the service may go on with the call {call}")]
        );
        dropped.notified().await;
    }
}

#[tokio::test]
async fn what_was_stopped_before_it_began_is_not_sent() {
    let service = Service::saying(&honest(json!({})));
    let (handle, stop) = StopHandle::new();
    handle.stop(StopReason::LeaseLost);
    let answer = service.invoker().invoke(&service.call(), stop).await;
    assert!(
        matches!(answer.ending, CallOutcome::Stopped(record) if record.possible_effects.is_empty())
    );
    assert!(service.received().is_empty());
}

#[tokio::test]
async fn a_service_of_another_authority_is_not_called() {
    let (service, other) = (
        Service::saying(&honest(json!({}))),
        Service::saying(&honest(json!({}))),
    );
    let mut settings = service.settings();
    for authorities in [vec![], vec![other.folder.path().join("ca.pem")]] {
        settings.authority_files = authorities;
        let invoker = AgentApiInvoker::new(settings.clone()).unwrap();
        let answer = invoker.invoke(&service.call(), Stop::never()).await;
        let failure = failure(&answer);
        assert_eq!(
            (failure.code, failure.outcome_unknown),
            ("tls_failed", false)
        );
        for way in ["agent_ca", "DOTWRAP_AGENT_CA"] {
            assert!(failure.message.contains(way), "{}", failure.message);
        }
    }
    assert!(service.received().is_empty());
}

#[tokio::test]
async fn a_certificate_for_another_name_is_none() {
    let service = Service::certified_for(["127.0.0.9".parse().unwrap()]);
    let mut settings = service.settings();
    let invoker = AgentApiInvoker::new(settings.clone()).unwrap();
    let mut call = service.call();
    let answer = invoker.invoke(&call, Stop::never()).await;
    assert_eq!(failure(&answer).code, "tls_failed");
    // Another authority would not help.
    let message = &failure(&answer).message;
    assert!(!message.contains("agent_ca"), "{message}");
    assert!(service.received().is_empty());
    // By the name that it has, the same service is called.
    let port = service.running.address().port();
    settings.allowed_hosts = "localhost".parse().unwrap();
    call.contract = contract(&format!("https://localhost:{port}/"));
    let invoker = AgentApiInvoker::new(settings).unwrap();
    let answer = invoker.invoke(&call, Stop::never()).await;
    assert_eq!(answer.ending, CallOutcome::Completed);
}

#[tokio::test]
async fn a_host_where_nobody_listens_is_unreachable_and_nothing_was_done() {
    let service = Service::saying(&honest(json!({})));
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let mut settings = service.settings();
    settings.allowed_hosts = "127.0.0.1".parse().unwrap();
    let mut call = service.call();
    call.contract = contract(&format!("https://{free}/"));
    let invoker = AgentApiInvoker::new(settings).unwrap();
    let answer = invoker.invoke(&call, Stop::never()).await;
    let failure = failure(&answer);
    assert_eq!(
        (failure.code, failure.outcome_unknown),
        ("unreachable", false)
    );
}

/// A host that takes connections and says nothing: there is a connection, and still nothing was sent.
#[tokio::test]
async fn a_host_that_never_says_who_it_is_is_sent_nothing() {
    let service = Service::saying(&honest(json!({})));
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = silent.local_addr().unwrap();
    let mut settings = service.settings();
    settings.allowed_hosts = "127.0.0.1".parse().unwrap();
    let mut call = service.call();
    call.contract = contract(&format!("https://{place}/"));
    call.contract.timeout_ms = 300;
    let invoker = AgentApiInvoker::new(settings).unwrap();
    let answer = invoker.invoke(&call, Stop::never()).await;
    let failure = failure(&answer);
    assert_eq!((failure.code, failure.outcome_unknown), ("deadline", false));
    assert!(!answer.called);
}

#[tokio::test]
async fn a_connection_that_breaks_leaves_the_outcome_open() {
    let service = Service::answering(|| {
        let broken = stream::iter([Ok("{"), Err(std::io::Error::other("gone"))]);
        std::future::ready(Body::from_stream(broken).into_response())
    });
    let answer = service.invoke(&service.call()).await;
    let failure = failure(&answer);
    assert_eq!(
        (failure.code, failure.outcome_unknown),
        ("connection_lost", true)
    );
}

#[tokio::test]
async fn a_host_that_is_no_longer_allowed_is_not_called() {
    let service = Service::saying(&honest(json!({})));
    let mut settings = service.settings();
    settings.allowed_hosts = "example.com".parse().unwrap();
    let invoker = AgentApiInvoker::new(settings).unwrap();
    let answer = invoker.invoke(&service.call(), Stop::never()).await;
    assert_eq!(failure(&answer).code, "host_not_allowed");
    assert!(service.received().is_empty());
}
