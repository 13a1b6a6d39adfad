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
#[tokio::test]
async fn token_echoed_with_other_escapes_is_not_kept() {
    let escaped: String = TOKEN
        .chars()
        .map(|character| format!("\\u{:04x}", u32::from(character)))
        .collect();
    for spelled in [
        TOKEN.replace('-', "\\u002d"),
        TOKEN.replace('-', "\\\\u002d"),
        TOKEN.replace('-', "%2D"),
        TOKEN.replace('-', "&#45;"),
        // Base64 of `Bearer s3cret-token-of-the-service`.
        "QmVhcmVyIHMzY3JldC10b2tlbi1vZi10aGUtc2VydmljZQ==".to_owned(),
        escaped,
    ] {
        let text = honest(json!({"x": "TOKEN"})).to_string();
        let digest = format!("sha256:{}", "0".repeat(64));
        let said = text.replace("\"TOKEN\"", &format!("\"{spelled}\""));
        let with_notes = text.replacen('{', &format!("{{\"notes\": \"{spelled}\", "), 1);
        let broken = format!("{{\"{spelled}\": 1, \"output_digest\": \"{digest}\"}}");
        for said in [said, with_notes, broken] {
            let service = Service::saying_text(said.clone());
            let mut call = service.call();
            call.contract.invocation = json!({"token_environment": TOKEN_VARIABLE});
            let answer = service.invoke(&call).await;
            assert_eq!(failure(&answer).code, "secret_in_answer", "{said}");
            assert!(!format!("{answer:?}").contains("s3cret"), "{answer:?}");
            assert_eq!(std::fs::read_dir(&call.folder).unwrap().count(), 0);
        }
    }
}
