//! What a service says as a verifier.

use dotwrap_invoke::{CallOutcome, Digest};
use dotwrap_types::Verdict;
use serde_json::{Value as Json, json};

use crate::support::{Service, failure, honest, honest_but};

#[tokio::test]
async fn a_verifier_s_verdict_is_passed_on_with_what_it_says_it_looked_at() {
    let output = br#"{"made":1}"#;
    for (said, verdict) in [
        ("pass", Verdict::Pass),
        ("fail", Verdict::Fail),
        ("error", Verdict::Error),
    ] {
        let mut answer = honest(json!({"verified_digest": Digest::of(output)}));
        answer["verdict"] = json!(said);
        let service = Service::saying(&answer);
        let answer = service
            .invoke(&service.verifying("made.json", output))
            .await;
        assert_eq!(answer.ending, CallOutcome::Completed);
        assert_eq!(answer.verdict, Some(verdict));
        assert_eq!(answer.verified_digest, Some(Digest::of(output)));
    }
}

#[tokio::test]
async fn what_a_verifier_looked_at_may_stand_beside_its_verdict_and_another_counts_against_it() {
    let output = br#"{"made":1}"#;
    let (made, else_) = (
        json!(Digest::of(output)),
        json!(Digest::of("something else")),
    );
    let (nothing, no_digest) = (json!({}), json!("of the night shift"));
    for (beside, value, report, looked_at) in [
        ("verified_digest", &made, nothing.clone(), &made),
        ("verified_digest", &else_, nothing.clone(), &else_),
        ("input_digest", &else_, nothing.clone(), &else_),
        ("input_digest", &no_digest, nothing.clone(), &Json::Null),
        (
            "input_digest",
            &else_,
            json!({"verified_digest": made}),
            &else_,
        ),
        (
            "input_digest",
            &made,
            json!({"verified_digest": else_}),
            &else_,
        ),
        (
            "verified_digest",
            &made,
            json!({"input_digest": else_}),
            &else_,
        ),
        (
            "verified_digest",
            &Json::Null,
            json!({"input_digest": made}),
            &made,
        ),
    ] {
        let mut said = honest(report);
        said["verdict"] = json!("pass");
        said[beside] = value.clone();
        let service = Service::saying(&said);
        let call = service.verifying("made.json", output);
        let answer = service.invoke(&call).await;
        assert_eq!(json!(answer.verified_digest), *looked_at, "{said}");
    }
    let mut said = honest(nothing);
    said["verdict"] = json!("pass");
    said["verified_digest"] = no_digest;
    let service = Service::saying(&said);
    let answer = service
        .invoke(&service.verifying("made.json", output))
        .await;
    assert_eq!(failure(&answer).code, "protocol");
}

#[tokio::test]
async fn a_verdict_under_two_names_is_none() {
    let mut said = honest(json!({"earlier": "verdict: fail"}));
    said["verdict"] = json!("pass");
    for (is_clear, name) in [(true, "remark"), (false, "Verdict")] {
        said[name] = json!("fail");
        let service = Service::saying(&said);
        let answer = service.invoke(&service.verifying("made.json", b"{}")).await;
        match is_clear {
            true => assert_eq!(answer.verdict, Some(Verdict::Pass)),
            false => assert_eq!(failure(&answer).code, "protocol"),
        }
    }
}

#[tokio::test]
async fn a_verifier_without_a_verdict_fails() {
    let service = Service::saying(&honest(json!({})));
    let answer = service.invoke(&service.verifying("made.json", b"{}")).await;
    assert_eq!(failure(&answer).code, "verdict_missing");
}

#[tokio::test]
async fn a_producer_s_verdict_on_itself_is_not_passed_on() {
    let service = Service::saying(&honest_but("verdict", json!("pass")));
    let answer = service.invoke(&service.call()).await;
    assert_eq!(
        (answer.ending, answer.verdict),
        (CallOutcome::Completed, None)
    );
}
