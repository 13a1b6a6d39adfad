//! What is believed of an answer.

use std::fs;

use dotwrap_invoke::{CallOutcome, Digest, Mode};
use serde_json::{Value as Json, json};

use crate::support::{NAMESPACE, Service, failure, fixture, honest, honest_but};

/// How a call of a producer fails that is answered so.
async fn failure_of(answer: &Json) -> String {
    let service = Service::saying(answer);
    let answer = service.invoke(&service.call()).await;
    let failure = failure(&answer);
    assert!(!failure.outcome_unknown, "{failure:?}");
    failure.code.to_owned()
}

#[tokio::test]
async fn the_output_is_kept_in_its_canonical_form() {
    let mut said = honest(json!({"b": [1.0, "é"], "a": null}));
    said["notes"] = json!("done\0");
    let service = Service::saying(&said);
    let call = service.call();
    let answer = service.invoke(&call).await;
    assert_eq!(answer.ending, CallOutcome::Completed);
    assert!(answer.called);
    let output = answer.output.unwrap();
    assert_eq!(output.path, call.folder.join("output.json"));
    let kept = r#"{"a":null,"b":[1,"é"]}"#;
    assert_eq!(fs::read_to_string(&output.path).unwrap(), kept);
    assert_eq!(
        (output.digest, output.size),
        (Digest::of(kept), kept.len() as u64)
    );
    for (name, fact) in [
        ("http_status", json!(200)),
        ("host", json!(service.place())),
        ("tls_verified", json!(true)),
        ("reported_writes", json!(0)),
        ("reported_is_mock", json!(false)),
        ("reported_output_namespace", json!(NAMESPACE)),
        ("notes", json!("done\u{fffd}")),
        ("response_bytes", json!(said.to_string().len())),
    ] {
        assert_eq!(answer.evidence[name], fact, "{name}");
    }
    assert!(answer.evidence["duration_ms"].is_u64());
    assert!(
        answer.evidence["tls_certificate"]
            .as_str()
            .unwrap()
            .starts_with("sha256:")
    );
}

#[tokio::test]
async fn a_text_is_kept_as_a_text() {
    let mut said = honest(json!("line\n"));
    said["output_digest"] = json!(Digest::of("line\n"));
    let service = Service::saying(&said);
    let call = service.call();
    let output = service.invoke(&call).await.output.unwrap();
    assert_eq!(output.path, call.folder.join("output.txt"));
    assert_eq!(output.digest, Digest::of("line\n"));
}

#[tokio::test]
async fn the_digest_may_be_that_of_the_output_as_it_stood() {
    let raw = "{ \"b\" : 1,  \"a\" : 2 }";
    let said = honest_but("output_digest", json!(Digest::of(raw).to_hex()))
        .to_string()
        .replace("{\"a\":1}", raw);
    let service = Service::saying_text(said);
    let answer = service.invoke(&service.call()).await;
    assert_eq!(
        answer.output.unwrap().digest,
        Digest::of("{\"a\":2,\"b\":1}")
    );
}

/// As many libraries write it: spaces behind `:` and `,`, and numbers in a spelling of their own.
#[tokio::test]
async fn the_digest_may_be_that_of_the_output_without_its_white_space() {
    let raw = r#"{"b": 1e30, "a": [1, "x y"]}"#;
    let compact = r#"{"b":1e30,"a":[1,"x y"]}"#;
    let said = honest_but("output_digest", json!(Digest::of(compact)))
        .to_string()
        .replace("{\"a\":1}", raw);
    let service = Service::saying_text(said);
    let answer = service.invoke(&service.call()).await;
    assert_eq!(answer.ending, CallOutcome::Completed);
    assert_eq!(
        answer.output.unwrap().digest,
        Digest::of(r#"{"a":[1,"x y"],"b":1e+30}"#)
    );
}

#[tokio::test]
async fn an_integer_that_would_be_kept_as_another_is_refused_by_name() {
    let raw = r#"{"a": 12345678901234567890123}"#;
    let said = honest_but("output_digest", json!(Digest::of(raw)))
        .to_string()
        .replace("{\"a\":1}", raw);
    let service = Service::saying_text(said);
    let answer = service.invoke(&service.call()).await;
    let failure = failure(&answer);
    assert_eq!(failure.code, "protocol");
    assert!(
        failure.message.contains("output: an integer"),
        "{failure:?}"
    );
}

#[tokio::test]
async fn a_digest_of_something_else_is_a_lie() {
    let lie = honest_but("output_digest", json!(Digest::of("something else")));
    assert_eq!(failure_of(&lie).await, "digest_mismatch");
}

#[tokio::test]
async fn an_answer_of_another_shape_is_none() {
    for member in [
        "output",
        "output_digest",
        "output_namespace",
        "is_mock",
        "writes",
    ] {
        assert_eq!(
            failure_of(&honest_but(member, Json::Null)).await,
            "protocol",
            "{member}"
        );
    }
    for (member, value) in [
        ("output_digest", json!(1)),
        ("writes", json!(-1)),
        ("writes", json!("0")),
        ("writes", json!({})),
        ("output_namespace", json!(1)),
        ("output_digest", json!("sha256:")),
        ("verdict", json!("passed")),
        ("notes", json!([])),
    ] {
        let said = honest_but(member, value);
        let service = Service::saying(&said);
        let answer = service.invoke(&service.call()).await;
        let failure = failure(&answer);
        assert_eq!(failure.code, "protocol", "{said}");
        // Whoever has to mend it is told what.
        let named = format!(": {member}: ");
        assert!(failure.message.contains(&named), "{}", failure.message);
    }
    assert_eq!(
        failure_of(&json!(["x", "y", "z", false, 0])).await,
        "protocol"
    );
}

#[tokio::test]
async fn a_member_that_is_there_twice_is_refused() {
    let honest = honest(json!({"a": 1})).to_string();
    for ambiguous in [
        honest.replace("\"writes\":0", "\"writes\":0,\"writes\":0"),
        honest.replace("{\"a\":1}", "{\"a\":1,\"a\":1}"),
    ] {
        assert_ne!(ambiguous, honest);
        let service = Service::saying_text(ambiguous);
        let answer = service.invoke(&service.call()).await;
        assert_eq!(failure(&answer).code, "protocol");
    }
}

#[tokio::test]
async fn what_is_not_json_is_not_repeated() {
    let service = Service::saying_text("{\"is_mock\": \"hush\", \"oops".to_owned());
    let answer = service.invoke(&service.call()).await;
    assert_eq!(failure(&answer).code, "protocol");
    assert!(!format!("{answer:?}").contains("hush"));
}

#[tokio::test]
async fn a_write_below_a_real_run_fails_and_one_in_it_does_not() {
    for writes in [json!(1), json!(["a"])] {
        let said = honest_but("writes", writes);
        assert_eq!(failure_of(&said).await, "wrote_below_real_run");
        let service = Service::saying(&said);
        let mut call = service.call();
        call.mode = Mode::RealRun;
        let answer = service.invoke(&call).await;
        assert_eq!(answer.ending, CallOutcome::Completed);
        assert_eq!(answer.evidence["reported_writes"], 1);
        assert_eq!(service.received()[0].body["mode"], "REAL_RUN");
    }
    let service = Service::saying(&honest_but("writes", json!([])));
    assert_eq!(
        service.invoke(&service.call()).await.ending,
        CallOutcome::Completed
    );
}

#[tokio::test]
async fn leaving_the_namespace_fails_and_going_below_it_does_not() {
    for outside in [
        "PROD",
        "DRYRUN-NS:tests",
        "DRYRUN-NS:test/../x",
        "DRYRUN-NS:",
    ] {
        let said = honest_but("output_namespace", json!(outside));
        assert_eq!(failure_of(&said).await, "left_namespace", "{outside}");
    }
    for inside in ["DRYRUN-NS:test/a", "DRYRUN-NS:test:a"] {
        let service = Service::saying(&honest_but("output_namespace", json!(inside)));
        let answer = service.invoke(&service.call()).await;
        assert_eq!(answer.ending, CallOutcome::Completed, "{inside}");
    }
}

#[tokio::test]
async fn a_mock_is_said_to_be_one_even_where_the_call_fails() {
    for extra in [json!(0), json!(1)] {
        let mut said = honest_but("writes", extra);
        said["is_mock"] = json!(true);
        let service = Service::saying(&said);
        assert!(service.invoke(&service.call()).await.is_mock);
    }
}

#[tokio::test]
async fn anything_but_a_plain_no_is_a_mock_wherever_it_stands() {
    for said in [Json::Null, json!("false"), json!(0), json!({})] {
        let mut answer = honest(json!({}));
        answer["is_mock"] = said.clone();
        let service = Service::saying(&answer);
        let answer = service.invoke(&service.call()).await;
        assert_eq!(answer.ending, CallOutcome::Completed, "{said}");
        assert!(answer.is_mock, "{said}");
    }
    for output in [
        json!({"result": [{"is_mock": true}]}),
        json!({"is_mock": null}),
        json!("{\"is_mock\": true}"),
        json!({"log": "{\"is_mock\": true}"}),
    ] {
        let service = Service::saying(&honest(output.clone()));
        let answer = service.invoke(&service.call()).await;
        assert!(answer.is_mock, "{output}");
    }
}

#[tokio::test]
async fn the_request_is_the_protocol_s() {
    let service = Service::saying(&honest(json!({})));
    let mut call = service.call();
    call.contract.fixture_ref = Some("fixture".to_owned());
    call.fixture = Some(fixture(json!({"nodes": 4})));
    service.invoke(&call).await;
    call.input_ref = None;
    call.folder = service.call().folder;
    service.invoke(&call).await;
    let received = service.received();
    let first = &received[0];
    let deadline: jiff::Timestamp = first.body["deadline"].as_str().unwrap().parse().unwrap();
    assert!(deadline > jiff::Timestamp::now());
    assert_eq!(
        first.body,
        json!({
            "dot_code": "DOT_X", "mode": "DRY_RUN", "process_run_id": call.process_run_id,
            "component_run_id": call.component_run_id, "correlation_id": "correlation", "fixture_ref": "fixture",
            "input": "the input", "input_digest": null, "output_namespace": NAMESPACE,
            "deadline": first.body["deadline"],
        })
    );
    assert_eq!(received[1].body["input"], json!({"nodes": 4}));
    let header = |name: &str| first.headers[name].to_str().unwrap();
    assert_eq!(header("idempotency-key"), call.invocation_id.to_string());
    assert_eq!(header("content-type"), "application/json");
    let trace = call.process_run_id.as_uuid().simple().to_string();
    let span = call.invocation_id.simple().to_string();
    assert_eq!(
        header("traceparent"),
        format!("00-{trace}-{}-01", &span[16..])
    );
    assert!(!first.headers.contains_key("authorization"));
}

#[tokio::test]
async fn a_verifier_is_sent_the_output_and_the_digest_that_was_committed() {
    let service = Service::saying(&honest(json!({})));
    for (name, output, expected) in [
        ("a.json", "{\"b\": 1}\n", json!({"b": 1})),
        ("b", "[1]", json!([1])),
        ("c.json", "not JSON", json!("not JSON")),
        ("d.txt", "[1]", json!("[1]")),
    ] {
        service
            .invoke(&service.verifying(name, output.as_bytes()))
            .await;
        let body = service.received().pop().unwrap().body;
        assert_eq!(body["input"], expected);
        assert_eq!(body["input_digest"], json!(Digest::of(output)));
    }
}

#[tokio::test]
async fn an_output_that_is_not_what_was_committed_is_not_sent() {
    let service = Service::saying(&honest(json!({})));
    let call = service.verifying("made.json", b"{}");
    fs::write(service.folder.path().join("made.json"), "[]").unwrap();
    let answer = service.invoke(&call).await;
    assert_eq!(failure(&answer).code, "input_changed");
    assert!(!answer.called);
    let binary = service.verifying("binary", b"\xff");
    assert_eq!(
        failure(&service.invoke(&binary).await).code,
        "input_unsendable"
    );
    assert!(service.received().is_empty());
}
