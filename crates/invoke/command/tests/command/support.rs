//! Calls of shell scripts.

use std::{fs, path::PathBuf, time::Duration};

use dotwrap_invoke::{
    Answer, CallOutcome, Digest, Failure, Invoker, Mode, Output, Produced, Stop, ToolCall,
};
use dotwrap_invoke_command::CommandInvoker;
use dotwrap_supervisor::Supervisor;
use dotwrap_types::{ComponentRole, ComponentRunId, CorrelationId, DotCode, ProcessRunId};
use nix::{errno::Errno, sys::signal::kill, unistd::Pid};
use serde_json::{Value as Json, json};
use tempfile::TempDir;
use uuid::Uuid;

use crate::written;

/// Long enough for anything here on a machine that is busy otherwise.
pub(crate) const WAIT_LIMIT: Duration = Duration::from_secs(60);

pub(crate) fn invoker() -> CommandInvoker {
    CommandInvoker::new(supervisor())
}

pub(crate) fn supervisor() -> Supervisor {
    Supervisor::with_executable(env!("CARGO_BIN_EXE_invoke-command-probe")).as_subreaper()
}

/// A call that is put together, and the folder that goes with it.
pub(crate) struct Case {
    pub(crate) call: ToolCall,
    folder: TempDir,
}

impl Case {
    /// A producer in a dry run.
    pub(crate) fn new(endpoint: &str, invocation: Json) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let call_folder = folder.path().join("call");
        fs::create_dir(&call_folder).unwrap();
        fs::create_dir(folder.path().join("outside")).unwrap();
        let dot_code: DotCode = written::DOT.parse().unwrap();
        let correlation: CorrelationId = "corr-1".parse().unwrap();
        let mut contract = written::contract();
        contract.endpoint_ref = Some(endpoint.to_owned());
        contract.invocation = invocation;
        let call = ToolCall {
            dot_code,
            role: ComponentRole::Producer,
            mode: Mode::DryRun,
            process_run_id: ProcessRunId::mint(),
            component_run_id: ComponentRunId::mint(),
            invocation_id: Uuid::now_v7(),
            correlation_id: correlation,
            contract,
            fixture: None,
            input_ref: None,
            input_digest: None,
            produced: None,
            output_path: None,
            verified_bytes: None,
            reading: Default::default(),
            folder: call_folder,
        };
        Self { call, folder }
    }

    /// A shell script; `more` is added to the invocation.
    pub(crate) fn script(script: &str, more: Json) -> Self {
        let mut invocation =
            json!({"argv": ["sh", "-c", script.replace('{', "{{").replace('}', "}}")]});
        merge(&mut invocation, more);
        Self::new("command:sh", invocation)
    }

    /// A verifier's shell script, and a producer's output that says `made`.
    pub(crate) fn verifier(script: &str, more: Json) -> Self {
        let mut case = Self::script(script, more);
        let made = case.folder.path().join("made");
        fs::write(&made, "made").unwrap();
        let output = Output::of(&made).unwrap();
        case.call.role = ComponentRole::Verifier;
        case.call.contract.role = ComponentRole::Verifier;
        case.call.produced = Some(Produced {
            committed_digest: output.digest,
            fields: Default::default(),
            output,
        });
        case
    }

    pub(crate) fn for_real(mut self) -> Self {
        self.call.mode = Mode::RealRun;
        self.call.contract.mode = "REAL_RUN".to_owned();
        self
    }

    pub(crate) fn input(mut self, input: &str) -> Self {
        self.call.input_ref = Some(input.to_owned());
        self
    }

    pub(crate) fn time_limit(mut self, milliseconds: i32) -> Self {
        self.call.contract.timeout_ms = milliseconds;
        self
    }

    pub(crate) fn more(mut self, more: Json) -> Self {
        merge(&mut self.call.contract.invocation, more);
        self
    }

    /// A place outside the call's folder.
    pub(crate) fn outside(&self) -> PathBuf {
        self.folder.path().join("outside")
    }

    pub(crate) fn file(&self, name: &str) -> String {
        let path = self.call.folder.join(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Puts a file into the script's working folder.
    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.call.folder.join("work").join(name), text).unwrap();
    }

    pub(crate) async fn run(&self) -> Answer {
        self.run_until(Stop::never()).await
    }

    pub(crate) async fn run_until(&self, stop: Stop) -> Answer {
        self.run_by(supervisor(), stop).await
    }

    pub(crate) async fn run_by(&self, supervisor: Supervisor, stop: Stop) -> Answer {
        let invoker = CommandInvoker::new(supervisor);
        invoker.check(&self.call.contract, self.call.mode).unwrap();
        invoker.invoke(&self.call, stop).await
    }

    /// The process whose id the script wrote into a file of its working folder.
    pub(crate) async fn process_in(&self, name: &str) -> i32 {
        let path = self.call.folder.join("work").join(name);
        number_in(&path).await
    }
}

fn merge(into: &mut Json, more: Json) {
    let (Some(into), Json::Object(more)) = (into.as_object_mut(), more) else {
        panic!("objects are merged");
    };
    into.extend(more);
}

/// Waits for a file with a number and a line's end in it.
pub(crate) async fn number_in(path: &std::path::Path) -> i32 {
    let read = async {
        loop {
            if let Ok(text) = fs::read_to_string(path)
                && let Some(number) = text.strip_suffix('\n')
            {
                return number.trim().parse().unwrap();
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(WAIT_LIMIT, read)
        .await
        .unwrap_or_else(|_| panic!("nothing in {}", path.display()))
}

pub(crate) fn is_gone(process: i32) -> bool {
    kill(Pid::from_raw(process), None) == Err(Errno::ESRCH)
}

pub(crate) async fn wait_until_gone(process: i32) {
    let gone = async {
        while !is_gone(process) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(WAIT_LIMIT, gone)
        .await
        .unwrap_or_else(|_| panic!("process {process} still runs"));
}

pub(crate) fn failure(answer: &Answer) -> &Failure {
    match &answer.ending {
        CallOutcome::Failed(failure) => failure,
        other => panic!("not failed: {other:?}; {:?}", answer.evidence),
    }
}

pub(crate) fn printed(answer: &Answer) -> String {
    assert_eq!(
        answer.ending,
        CallOutcome::Completed,
        "{:?}",
        answer.evidence
    );
    let output = answer.output.as_ref().unwrap();
    let text = fs::read_to_string(&output.path).unwrap();
    assert_eq!(output.digest, Digest::of(&text));
    text
}
