//! The invoker for contracts whose endpoint is `command:<program>`.

use dotwrap_invoke::{
    Answer, CallOutcome, Failure, Invoker, Mode, Stop, ToolCall, UnsupportedContract,
};
use dotwrap_types::{ComponentRole, Contract, Verdict};
use futures_util::future::BoxFuture;
use tokio::time::Instant;

use dotwrap_supervisor::{SearchPath, Supervisor};

use crate::{
    evidence, prepare::Prepared, result::conclude, run::run, spec::Spec, stop_record::never_started,
};

/// Calls programs.
#[derive(Clone, Debug)]
pub struct CommandInvoker {
    supervisor: Supervisor,
    search_path: SearchPath,
}

impl CommandInvoker {
    /// Looks for programs in the system's folders.
    pub fn new(supervisor: Supervisor) -> Self {
        Self {
            supervisor,
            search_path: SearchPath::of_system(),
        }
    }

    /// Looks for programs elsewhere.
    #[must_use]
    pub fn with_search_path(mut self, search_path: SearchPath) -> Self {
        self.search_path = search_path;
        self
    }

    async fn call(&self, call: &ToolCall, mut stop: Stop) -> Answer {
        if let Some(reason) = stop.reason() {
            return never_started(reason);
        }
        let deadline = Instant::now() + call.time_limit();
        let mut prepared = match Prepared::of(call, &self.search_path) {
            Ok(prepared) => prepared,
            Err(failure) => return not_called(call.role, failure),
        };
        match run(&self.supervisor, &mut prepared, &mut stop).await {
            Ok(mut ran) => {
                let reader = ran.reader.take();
                let answer = conclude(call.role, &prepared, &ran, reader, stop, deadline).await;
                let answer = evidence::add(answer, &prepared, &ran);
                without_secrets(answer, &prepared).await
            }
            Err(failure) => not_called(call.role, failure)
                .with("program", prepared.program.path.to_string_lossy().as_ref()),
        }
    }
}

/// Removes the contract's secrets from the answer, and the transcripts that contain one.
async fn without_secrets(answer: Answer, prepared: &Prepared) -> Answer {
    let secrets = prepared.spec.program.secrets();
    let mut answer = secrets.hidden_in(answer);
    if answer.ending != CallOutcome::Completed {
        let transcripts = vec![prepared.folder.stdout(), prepared.folder.stderr()];
        if secrets.purge(transcripts).await {
            answer = answer.with("transcripts_removed", "they held a secret");
        }
    }
    answer
}

/// A verifier that was not called could not tell.
fn not_called(role: ComponentRole, failure: Failure) -> Answer {
    let mut answer = Answer::not_called(failure);
    if role == ComponentRole::Verifier {
        answer.verdict = Some(Verdict::Error);
    }
    answer
}

impl Invoker for CommandInvoker {
    fn check(&self, contract: &Contract, mode: Mode) -> Result<(), UnsupportedContract> {
        let spec = Spec::of(contract)?;
        spec.program
            .check(&self.search_path, &self.supervisor, mode)
    }

    fn check_invocation(&self, contract: &Contract) -> Result<(), UnsupportedContract> {
        Spec::of(contract).map(drop)
    }

    fn warnings(&self, contract: &Contract) -> Vec<String> {
        let spec = Spec::of(contract);
        let is_blind = spec.is_ok_and(|spec| spec.is_blind(contract.role));
        let warning = "no argument, variable or stdin of the verifier uses {output}";
        is_blind.then(|| warning.to_owned()).into_iter().collect()
    }

    fn invoke<'a>(&'a self, call: &'a ToolCall, stop: Stop) -> BoxFuture<'a, Answer> {
        Box::pin(self.call(call, stop))
    }
}
