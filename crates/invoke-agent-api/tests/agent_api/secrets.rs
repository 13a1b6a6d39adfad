//! A token goes to the service, and nowhere else.

use axum::response::IntoResponse;
use serde_json::json;

use crate::support::{Service, TOKEN, TOKEN_VARIABLE, failure, honest};

#[tokio::test]
async fn a_token_is_sent_and_never_shown() {
    let service = Service::saying(&honest(json!({})));
    let mut call = service.call();
    call.contract.invocation = json!({"token_environment": TOKEN_VARIABLE});
    let answer = service.invoke(&call).await;
    let sent = &service.received()[0].headers["authorization"];
    assert_eq!(sent, &format!("Bearer {TOKEN}"));
    assert!(answer.output.is_some());
    assert!(!format!("{answer:?}").contains(TOKEN));
    assert!(!format!("{:?}", service.invoker()).contains(TOKEN));
}

#[tokio::test]
async fn a_token_that_the_service_says_back_is_not_kept() {
    let mut said = honest(json!({"x": format!("Bearer {TOKEN}")}));
    said["notes"] = json!(TOKEN);
    let service = Service::saying(&said);
    let mut call = service.call();
    call.contract.invocation = json!({"token_environment": TOKEN_VARIABLE});
    let answer = service.invoke(&call).await;
    assert_eq!(failure(&answer).code, "secret_in_answer");
    assert!(!format!("{answer:?}").contains(TOKEN));
    assert_eq!(std::fs::read_dir(&call.folder).unwrap().count(), 0);
}

#[tokio::test]
async fn what_a_service_says_of_an_error_is_not_passed_on() {
    let service = Service::answering(|| {
        let answer = (axum::http::StatusCode::FORBIDDEN, format!("no: {TOKEN}"));
        std::future::ready(answer.into_response())
    });
    let mut call = service.call();
    call.contract.invocation = json!({"token_environment": TOKEN_VARIABLE});
    let answer = service.invoke(&call).await;
    assert_eq!(failure(&answer).code, "http_status");
    assert!(!format!("{answer:?}").contains(TOKEN));
}
