//! Answers requests.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use serde_json::{Value as Json, json, value::RawValue};

use super::{Answer, Fixtures, Request, keys::Keys};
use crate::{
    Explanation, Fixture, PRODUCER, Report, Subject, VERIFIER, digest::is_same_digest, digest_of,
    explain, verify,
};

/// The agent's state: its fixtures and its earlier answers.
#[derive(Clone)]
pub(super) struct Agent(Arc<(Fixtures, Keys)>);

/// Why a call is refused.
pub(super) struct Refused(StatusCode, String);

impl Agent {
    pub(super) fn new(fixtures: Fixtures) -> Self {
        Self(Arc::new((fixtures, Keys::default())))
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Self(status, detail) = self;
        let problem = json!({"status": status.as_u16(), "title": status.canonical_reason(), "detail": detail});
        let headers = [(CONTENT_TYPE, "application/problem+json")];
        (status, headers, problem.to_string()).into_response()
    }
}

/// `POST /`.
pub(super) async fn answer_call(
    State(Agent(agent)): State<Agent>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refused> {
    let (fixtures, keys) = &*agent;
    let key = headers
        .get("idempotency-key")
        .and_then(|key| key.to_str().ok())
        .ok_or_else(|| bad("the header Idempotency-Key is missing"))?;
    let answer = keys.answer(key, &said(&body)?, || compose(fixtures, &body))?;
    let answer = answer.ok_or_else(|| {
        let detail = "the Idempotency-Key was used for another request";
        Refused(StatusCode::UNPROCESSABLE_ENTITY, detail.to_owned())
    })?;
    Ok(([(CONTENT_TYPE, "application/json")], answer).into_response())
}

/// The request without its deadline, which is the only member that a retry may change.
fn said(body: &[u8]) -> Result<String, Refused> {
    let mut said: Json = serde_json::from_slice(body).map_err(|error| bad(error.to_string()))?;
    if let Some(members) = said.as_object_mut() {
        members.remove("deadline");
    }
    Ok(digest_of(said.to_string()))
}

fn compose(fixtures: &Fixtures, body: &[u8]) -> Result<String, Refused> {
    let request: Request = serde_json::from_slice(body).map_err(|error| bad(error.to_string()))?;
    let namespace = request
        .output_namespace
        .as_deref()
        .ok_or_else(|| bad("output_namespace is missing"))?;
    let known = request
        .fixture_ref
        .as_deref()
        .and_then(|name| fixtures.get(name));
    let answer = match request.dot_code.as_str() {
        PRODUCER => explained(known, &request, namespace),
        VERIFIER => verified(known, &request, namespace),
        other => Err(Refused(
            StatusCode::NOT_FOUND,
            format!("no DOT {other} here"),
        )),
    }?;
    serde_json::to_string(&answer).map_err(broken)
}

/// Explains the fixture in the input, or the one with the given name.
fn explained(
    known: Option<&Fixture>,
    request: &Request,
    namespace: &str,
) -> Result<Answer, Refused> {
    let given = Fixture::from_json(request.input.get().as_bytes());
    let explanation: Explanation = match (given, known) {
        (Ok(fixture), _) => explain(&fixture, namespace),
        (Err(_), Some(fixture)) => explain(fixture, namespace),
        (Err(error), None) => return Err(bad(error.to_string())),
    };
    let output = serde_json::to_value(explanation).map_err(broken)?;
    answer(output, namespace)
}

fn verified(
    known: Option<&Fixture>,
    request: &Request,
    namespace: &str,
) -> Result<Answer, Refused> {
    let fixture = known.ok_or_else(|| {
        let name = request.fixture_ref.as_deref().unwrap_or("without a name");
        Refused(StatusCode::NOT_FOUND, format!("no fixture {name} here"))
    })?;
    let output = bytes_of(&request.input, request.input_digest.as_deref())?;
    let report: Report = verify(
        fixture,
        Subject {
            output: &output,
            namespace,
            committed_digest: request.input_digest.as_deref(),
        },
    );
    let verdict = report.verdict;
    let answer = answer(serde_json::to_value(report).map_err(broken)?, namespace)?;
    Ok(Answer {
        verdict: Some(verdict),
        ..answer
    })
}

/// The bytes behind a JSON value: as they stood in the request where those have the digest that was committed, else a
/// text's own, else the canonical form.
fn bytes_of(input: &RawValue, committed: Option<&str>) -> Result<Vec<u8>, Refused> {
    let as_it_stood = input.get().as_bytes();
    if committed.is_some_and(|committed| is_same_digest(committed, &digest_of(as_it_stood))) {
        return Ok(as_it_stood.to_vec());
    }
    match serde_json::from_str(input.get()).map_err(broken)? {
        Json::String(text) => Ok(text.into_bytes()),
        other => serde_json_canonicalizer::to_vec(&other).map_err(broken),
    }
}

fn answer(output: Json, namespace: &str) -> Result<Answer, Refused> {
    let canonical = serde_json_canonicalizer::to_vec(&output).map_err(broken)?;
    Ok(Answer {
        output_digest: digest_of(canonical),
        output,
        output_namespace: namespace.to_owned(),
        is_mock: true,
        writes: 0,
        verdict: None,
        notes: "the reference agent: by rules, without a model, and nothing was written".to_owned(),
    })
}

fn bad(detail: impl Into<String>) -> Refused {
    Refused(StatusCode::BAD_REQUEST, detail.into())
}

fn broken(error: impl std::fmt::Display) -> Refused {
    Refused(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}
