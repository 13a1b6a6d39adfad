//! The invoker for contracts whose endpoint is `command:<program>`.

use std::path::PathBuf;

use dotwrap_invoke::{
    Answer, CallOutcome, Failure, Invoker, Mode, OutputPathRequest, Stop, ToolCall,
    UnsupportedContract,
};
use dotwrap_types::{ComponentRole, Contract, Verdict};
use futures_util::future::BoxFuture;

use dotwrap_supervisor::{SearchPath, StderrKept, Supervisor};

use crate::{
    evidence, explanation, output_source::OutputSource, prepare::Prepared, result::conclude,
    run::run, spec::Spec, stderr_tail, stop_record::never_started,
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
        let mut prepared = match Prepared::of(call, &self.search_path) {
            Ok(prepared) => prepared,
            Err(failure) => return not_called(call.role, failure),
        };
        match run(&self.supervisor, &mut prepared, &mut stop).await {
            Ok(mut ran) => {
                let reader = ran.reader.take();
                let answer = conclude(call.role, &prepared, &ran, reader, stop).await;
                let mut answer = evidence::add(answer, &prepared, &ran);
                if let Some(digests) = ran.digests.take() {
                    answer = digests.add_to(answer).await;
                }
                let answer = without_secrets(answer, &prepared).await;
                with_stderr_tail(answer, &prepared, ran.report.stderr)
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

/// After [`without_secrets`]: all of standard error was searched, or the call came to nothing and it was removed.
fn with_stderr_tail(answer: Answer, prepared: &Prepared, kept: StderrKept) -> Answer {
    let most = prepared.spec.record_stderr_tail_bytes;
    let is_wanted = most > 0 && !answer.evidence.contains_key("transcripts_removed");
    let tail = is_wanted.then(|| stderr_tail::read(&prepared.folder.stderr(), kept, most));
    match tail.flatten() {
        Some(tail) => answer.with("stderr_tail", tail),
        None => answer,
    }
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
        let Ok(spec) = Spec::of(contract) else {
            return Vec::new();
        };
        let blind = "no argument, variable or stdin of the verifier uses {output}";
        let untold = "no argument, variable or stdin of the producer uses {output}";
        let found = [
            (spec.is_blind(contract.role), blind),
            (spec.is_path_untold(), untold),
        ];
        let found = found.into_iter().filter(|(is_so, _)| *is_so);
        let mut warnings = spec.program.warnings();
        warnings.extend(found.map(|(_, warning)| warning.to_owned()));
        warnings
    }

    fn output_path(
        &self,
        contract: &Contract,
        request: &OutputPathRequest<'_>,
    ) -> Result<Option<PathBuf>, UnsupportedContract> {
        let OutputSource::Path(of_contract) = Spec::of(contract)?.output else {
            return Ok(None);
        };
        let path = of_contract.resolve(contract, request)?;
        let concealed = self.supervisor.concealed().into_iter();
        let mut concealed = concealed.filter_map(|place| place.canonicalize().ok());
        match concealed.find(|place| path.starts_with(place)) {
            Some(place) => Err(UnsupportedContract::new(
                "output_path_invalid",
                format!(
                    "the output's path {} is in {}, which is kept from tools",
                    path.display(),
                    place.display()
                ),
            )),
            None => Ok(Some(path)),
        }
    }

    fn explain(&self, contract: &Contract) -> Result<Vec<String>, UnsupportedContract> {
        explanation::explain(contract)
    }

    fn invoke<'a>(&'a self, call: &'a ToolCall, stop: Stop) -> BoxFuture<'a, Answer> {
        Box::pin(self.call(call, stop))
    }
}
