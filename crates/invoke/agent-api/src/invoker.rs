//! The invoker: from a call to its answer.

use std::{
    fs::File,
    future::Future,
    io::{self, Write},
    sync::{Arc, OnceLock},
};

use dotwrap_invoke::{
    Answer, CallOutcome, Failure, Invoker, Mode, Output, ReadInterrupted, ReadLimit, Secrets, Stop,
    StopReason, StopRecord, ToolCall, UnsupportedContract, read_apart, reports_mock,
};
use dotwrap_types::Contract;
use futures_util::{FutureExt, future::BoxFuture};
use reqwest::{Client, Response};
use serde_json::json;
use tokio::time::Instant;

use crate::{
    Settings, SetupError,
    body::SentFlag,
    canonical::Canonical,
    client::{check_authority_files, client},
    endpoint::Endpoint,
    exchange,
    invocation::Invocation,
    request::request,
    response::AgentResponse,
    validate::{ValidatedResponse, note, validate},
};

/// Calls DOTs that are endpoints of agent services.
#[derive(Clone, Debug)]
pub struct AgentApiInvoker {
    /// Made by the first call. Clones share it.
    client: Arc<OnceLock<Client>>,
    settings: Settings,
}

/// A contract that may be called.
struct CheckedContract {
    endpoint: Endpoint,
    invocation: Invocation,
}

/// What ends a call from outside.
struct Limits<'a> {
    stop: Stop,
    deadline: Instant,
    sent: SentFlag,
    usable: &'a CheckedContract,
    call: &'a ToolCall,
}

impl AgentApiInvoker {
    /// Reads the authorities of the settings. Those of the system are read by the first call.
    ///
    /// # Errors
    /// [`SetupError`].
    pub fn new(settings: Settings) -> Result<Self, SetupError> {
        check_authority_files(&settings)?;
        Ok(Self {
            client: Arc::default(),
            settings,
        })
    }

    fn client(&self) -> Result<&Client, Failure> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let made = client(&self.settings)
            .map_err(|error| Failure::new("tls_unavailable", error.to_string()))?;
        Ok(self.client.get_or_init(|| made))
    }

    fn usable(
        &self,
        contract: &Contract,
        mode: Mode,
    ) -> Result<CheckedContract, UnsupportedContract> {
        if !mode.may_mutate() && contract.output_namespace.is_none() {
            let message = "below REAL_RUN a contract names the namespace of its output";
            return Err(UnsupportedContract::new("namespace_missing", message));
        }
        Ok(CheckedContract {
            endpoint: Endpoint::of(contract, &self.settings.allowed_hosts)?,
            invocation: Invocation::of(contract, &self.settings)?,
        })
    }

    async fn call(
        &self,
        call: &ToolCall,
        stop: Stop,
        sent: SentFlag,
        answer: &mut Answer,
    ) -> Result<(), CallOutcome> {
        let deadline = Instant::now() + call.time_limit();
        // The runner has looked at the contract; since then a variable may have gone.
        let usable = self.usable(&call.contract, call.mode).map_err(|unusable| {
            CallOutcome::Failed(Failure::new(unusable.code, unusable.message))
        })?;
        let place = usable.endpoint.place.clone();
        answer.evidence.insert("host".to_owned(), place.into());
        let limits = Limits {
            stop,
            deadline,
            sent,
            usable: &usable,
            call,
        };
        self.exchange(limits, answer).await
    }

    async fn exchange(
        &self,
        mut limits: Limits<'_>,
        answer: &mut Answer,
    ) -> Result<(), CallOutcome> {
        let CheckedContract {
            endpoint,
            invocation,
        } = limits.usable;
        let call = limits.call;
        let token = invocation.token.as_ref();
        let client = self.client().map_err(CallOutcome::Failed)?;
        let request = request(client, endpoint, token, call, limits.sent.clone());
        let request = limits.select_with_limits(request).await?;
        let mut response = limits.select_with_limits(exchange::send(request)).await?;
        note_head(&response, answer);
        exchange::check_head(&response).map_err(CallOutcome::Failed)?;
        let limit = invocation.max_response_bytes;
        let body = limits
            .select_with_limits(exchange::read(&mut response, limit))
            .await?;
        answer
            .evidence
            .insert("response_bytes".to_owned(), body.len().into());
        let (secrets, of_call) = (invocation.secrets(), call.clone());
        let reading = move |limit: &ReadLimit| read(&body, &of_call, &secrets, limit);
        let read = read_apart(reading, &mut limits.stop, &call.reading).await;
        let (response, read) = read.map_err(|unread| limits.not_read(unread))?;
        answer.is_mock = response.is_mock;
        answer.evidence.extend(response.evidence);
        let Read { output, believed } = read.map_err(CallOutcome::Failed)?;
        answer.output = Some(output);
        answer.verdict = believed.verdict;
        answer.verified_digest = believed.verified_digest;
        Ok(())
    }
}

impl Invoker for AgentApiInvoker {
    fn check(&self, contract: &Contract, mode: Mode) -> Result<(), UnsupportedContract> {
        self.usable(contract, mode).map(|_| ())
    }

    fn check_invocation(&self, contract: &Contract) -> Result<(), UnsupportedContract> {
        Invocation::check(contract, &self.settings)
    }

    fn explain(&self, contract: &Contract) -> Result<Vec<String>, UnsupportedContract> {
        Invocation::explain(contract, &self.settings)
    }

    fn invoke<'a>(&'a self, call: &'a ToolCall, stop: Stop) -> BoxFuture<'a, Answer> {
        async move {
            let began = Instant::now();
            let sent = SentFlag::default();
            let mut answer = Answer::new(CallOutcome::Completed);
            if let Err(ending) = self.call(call, stop, sent.clone(), &mut answer).await {
                answer.ending = ending;
            }
            answer.called = sent.is_given();
            let secrets = Invocation::of(&call.contract, &self.settings)
                .map_or_else(|_unusable| Secrets::default(), |usable| usable.secrets());
            let answer = secrets.hidden_in(answer);
            let duration = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            answer.with("duration_ms", duration)
        }
        .boxed()
    }
}

impl Limits<'_> {
    /// Waits for a part of the conversation, but not past a stop or the deadline. What is dropped then takes its
    /// connection along.
    async fn select_with_limits<T>(
        &mut self,
        part: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, CallOutcome> {
        tokio::select! {
            biased;
            reason = self.stop.cancelled() => Err(CallOutcome::Stopped(self.cut_off(reason))),
            () = tokio::time::sleep_until(self.deadline) => Err(CallOutcome::Failed(self.too_late())),
            done = part => done.map_err(|failure| CallOutcome::Failed(self.clear_unknown_if_unsent(failure))),
        }
    }

    /// Where nothing was sent, nothing was done: that much is known.
    fn clear_unknown_if_unsent(&self, failure: Failure) -> Failure {
        Failure {
            outcome_unknown: failure.outcome_unknown && self.sent.is_given(),
            ..failure
        }
    }

    fn cut_off(&self, reason: StopReason) -> StopRecord {
        let (stopped, may_have_happened) = if self.sent.is_given() {
            let stopped = format!("connection to {} closed", self.usable.endpoint.place);
            let goes_on = format!(
                "the service may go on with the call {}",
                self.call.invocation_id
            );
            (stopped, vec![goes_on])
        } else {
            ("nothing: the call was not sent".to_owned(), Vec::new())
        };
        StopRecord {
            reason,
            signals_sent: vec![stopped],
            exited: Vec::new(),
            possible_effects: may_have_happened,
        }
    }

    fn not_read(&self, unread: ReadInterrupted) -> CallOutcome {
        match unread {
            ReadInterrupted::Stopped(reason) => CallOutcome::Stopped(StopRecord {
                reason,
                signals_sent: Vec::new(),
                exited: vec![format!("connection to {}", self.usable.endpoint.place)],
                possible_effects: vec![
                    "all of it: the service had answered, and its answer was not read".to_owned(),
                ],
            }),
            ReadInterrupted::Deadline => CallOutcome::Failed(Failure::new(
                "output_unread",
                "the service answered, but nothing of its answer could be read for a minute",
            )),
            ReadInterrupted::Broken => CallOutcome::Failed(Failure::new(
                "output_not_kept",
                "the service's answer could not be read",
            )),
        }
    }

    fn too_late(&self) -> Failure {
        let message = format!(
            "the service did not answer in full within {} ms; the connection was closed",
            self.call.time_limit().as_millis()
        );
        self.clear_unknown_if_unsent(Failure::unknown("deadline", message))
    }
}

fn note_head(response: &Response, answer: &mut Answer) {
    let certificate = exchange::peer_certificate(response).map(|digest| digest.to_string());
    for (name, fact) in [
        ("http_status", response.status().as_u16().into()),
        // There is no way to an answer around the verification.
        ("tls_verified", true.into()),
        ("tls_certificate", json!(certificate)),
    ] {
        answer.evidence.insert(name.to_owned(), fact);
    }
}

/// An answer that is believed, with its output as it was kept.
struct Read {
    output: Output,
    believed: ValidatedResponse,
}

/// Reads an answer, and says besides what the service said of itself, whether it is believed or not.
fn read(
    body: &[u8],
    call: &ToolCall,
    secrets: &Secrets,
    limit: &ReadLimit,
) -> (Answer, Result<Read, Failure>) {
    let mut response = Answer::new(CallOutcome::Completed);
    let read = check_and_store(body, call, secrets, limit, &mut response);
    (response, read)
}

/// Checks what the service says, and keeps its output.
fn check_and_store(
    body: &[u8],
    call: &ToolCall,
    secrets: &Secrets,
    limit: &ReadLimit,
    answer: &mut Answer,
) -> Result<Read, Failure> {
    // Whatever becomes of the answer: it counts against the service also where it is not what the protocol asks for.
    answer.is_mock = reports_mock(body);
    if secrets.is_in(body) {
        let message = "the service's answer holds the bearer token; nothing of it was kept";
        return Err(Failure::new("secret_in_answer", message));
    }
    let not_kept = |error: io::Error| {
        Failure::new(
            "output_not_kept",
            format!("the output cannot be kept: {error}"),
        )
    };
    limit.check().map_err(not_kept)?;
    let response = AgentResponse::from_json(body)?;
    note(&response, answer);
    let believed = validate(&response, call)?;
    answer.is_mock |= reports_mock(&believed.output.bytes);
    if secrets.is_in(&believed.output.bytes) {
        let message = "the service's output holds the bearer token; nothing of it was kept";
        return Err(Failure::new("secret_in_answer", message));
    }
    let output = store_output(call, &believed.output, limit).map_err(not_kept)?;
    Ok(Read { output, believed })
}

/// Writes the output into the call's folder. Its digest is what is then read from there.
fn store_output(call: &ToolCall, output: &Canonical, limit: &ReadLimit) -> io::Result<Output> {
    call.make_folder()?;
    let path = call.folder.join(output.file_name);
    File::create_new(&path)?.write_all(&output.bytes)?;
    Output::of_within(&path, limit)
}
