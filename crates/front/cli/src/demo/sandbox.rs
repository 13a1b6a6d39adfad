//! Where the demonstration really calls tools: a folder and a runner of its own, and gates that it opens for minutes
//! and closes again.
use std::path::{Path, PathBuf};
use std::time::Duration;

use dotwrap_app::backend::Connection;
use dotwrap_app::run_detail::RunDetail;
use dotwrap_app::settings::Settings;
use dotwrap_exec::{
    Error, ExecutionSettings, Mode, Outcome, Progress, RunOptions, Runner, RunsDir, Stop,
};
use dotwrap_wrapper::{CandidateCode, DotCode, GateSetting, Posture, Rung, Wrapper, gate};
use jiff::Timestamp;

use super::SCHEMA;
use crate::data_folder::data_folder;
use crate::failure::Failure;

/// How long the gates stay open should nobody be left to close them.
const OPEN_FOR: Duration = Duration::from_secs(5 * 60);

/// Each gate, and what it says when it is open: the brake says that it does not brake.
const GATES: [(&str, bool); 4] = [
    (gate::OPERATOR_RUNTIME_ENABLED, true),
    (gate::EXECUTE_ENABLED, true),
    (gate::DRY_RUN_ONLY, false),
    (gate::REAL_RUN_ENABLED, true),
];

/// Pairs of the sample that need nothing but their program, the one that is shown first.
const PAIRS: [(&str, Kind); 3] = [
    ("DOT_TAR_CREATE", Kind::Folder),
    ("DOT_SHA256SUM", Kind::File),
    ("DOT_GZIP", Kind::File),
];

/// What a pair is given.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Folder,
    File,
}

/// Where tools are called.
pub(super) struct DemoRunner {
    wrapper: Wrapper,
    runner: Runner,
    folder: PathBuf,
    /// New for every performance, so that each begins at the foot of the ladder.
    pub(super) candidate: CandidateCode,
    /// What is run, once it was chosen.
    pub(super) pair: Option<Pair>,
    /// Ctrl-C, while tools are called.
    pub(super) interrupt: Stop,
    are_gates_open: bool,
}

/// A pair whose programs are there, and what it is given.
#[derive(Clone, Debug)]
pub(super) struct Pair {
    pub(super) producer: DotCode,
    /// Below the workshop's folder.
    pub(super) input: &'static str,
}

/// What came of trying to run a pair.
pub(super) enum Attempt {
    /// It was run. The story is the ledger's.
    Ran(Box<RunDetail>),
    /// It cannot be run here and now: a program is missing, or another demonstration is in the way.
    NotHere(Failure),
}

impl DemoRunner {
    /// A workshop in the user's data folder; nothing is made there yet.
    pub(super) fn of(
        settings: &Settings,
        wrapper: &Wrapper,
        reached: &Connection,
    ) -> Result<Self, Failure> {
        let folder = data_folder(settings.home.as_ref())?.join("demo");
        let folder = std::path::absolute(&folder)?;
        Ok(Self {
            runner: dotwrap_exec::runner(
                wrapper.clone(),
                &ExecutionSettings {
                    require_sandbox: settings.require_sandbox,
                    min_free_bytes: settings.min_free_bytes,
                    ..ExecutionSettings::default()
                },
                RunsDir::below(folder.join("runs")),
                reached.secret_paths(settings),
            )?,
            wrapper: wrapper.clone(),
            folder,
            candidate: CandidateCode::new(
                Timestamp::now()
                    .strftime("PROC-CAND:demo:%Y%m%d-%H%M%S-%3f")
                    .to_string(),
            ),
            pair: None,
            interrupt: Stop::never(),
            are_gates_open: false,
        })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes what the tools are given: a folder with two files.
    pub(super) fn create_inputs(&self) -> Result<(), Failure> {
        let letters = self.folder.join("letters");
        let numbers: String = (1..=10_000).map(|number| format!("{number}\n")).collect();
        let written = std::fs::create_dir_all(&letters)
            .and_then(|()| std::fs::write(letters.join("numbers"), numbers))
            .and_then(|()| std::fs::write(letters.join("readme"), "Made by dotwrap demo.\n"));
        written.map_err(|error| {
            Failure::usage(format!("{} cannot be made: {error}", letters.display()))
                .hint("name another data folder: DOTWRAP_HOME")
        })
    }

    /// Opens the gates, in the demonstration's schema and for minutes.
    pub(super) async fn open_gates(&mut self) -> Result<Posture, Failure> {
        self.are_gates_open = true;
        let mut posture = Posture::NoExecute;
        for (key, says) in GATES {
            let setting = GateSetting::new(key, says, "the demonstration").lasting(OPEN_FOR);
            posture = self.wrapper.set_gate(&setting).await?;
        }
        Ok(posture)
    }

    /// Opens or closes one of them.
    pub(super) async fn set_gate(
        &self,
        key: &str,
        says: bool,
        reason: &str,
    ) -> Result<(), Failure> {
        let setting = GateSetting::new(key, says, reason).lasting(OPEN_FOR);
        self.wrapper.set_gate(&setting).await?;
        Ok(())
    }

    /// Closes what was opened, however the demonstration went. Where the database is gone, the clock does it.
    pub(super) async fn close_gates(&mut self) -> Result<(), Failure> {
        if !std::mem::take(&mut self.are_gates_open) {
            return Ok(());
        }
        for (key, says) in GATES.into_iter().rev() {
            let closed = GateSetting::new(key, !says, "the demonstration is over");
            self.wrapper.set_gate(&closed).await?;
        }
        Ok(())
    }

    /// The first of the pairs whose programs are there. The others' failures say what is missing.
    pub(super) async fn choose(&mut self) -> Result<Vec<Failure>, Failure> {
        let mut missing = Vec::new();
        for (producer, kind) in PAIRS {
            let producer = DotCode::new(producer);
            let prepared = self
                .runner
                .prepare(&producer, &self.candidate, Mode::DryRun);
            match prepared.await {
                Ok(_) => {
                    let input = match kind {
                        Kind::Folder => "letters",
                        Kind::File => "letters/numbers",
                    };
                    self.pair = Some(Pair { producer, input });
                    break;
                }
                Err(error @ Error::Unusable { .. }) => missing.push(error.into()),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(missing)
    }

    /// Declares that a producer's real runs count for the demonstration's candidate, which is registered.
    pub(super) async fn declare(&self, producer: &DotCode) -> Result<(), Failure> {
        let reason = Some("the demonstration");
        self.wrapper
            .declare_candidate_pair(&self.candidate, producer, reason, None)
            .await?;
        Ok(())
    }

    /// Runs a pair.
    pub(super) async fn run(
        &self,
        producer: &DotCode,
        input: Option<&str>,
        mode: Mode,
        progress: &dyn Progress,
    ) -> Result<Attempt, Failure> {
        let order = RunOptions {
            input_ref: input.map(|input| self.folder.join(input).display().to_string()),
            ..RunOptions::default()
        };
        match self.execute(producer, mode, &order, progress).await {
            Ok(Outcome::Concluded { process_run_id, .. }) => {
                let run = self.wrapper.run(process_run_id).await?.ok_or_else(|| {
                    Failure::internal(format!("the run {process_run_id} is not in the ledger"))
                })?;
                Ok(Attempt::Ran(Box::new(
                    RunDetail::load(run, &self.wrapper).await?,
                )))
            }
            Ok(other) => Err(Failure::internal(format!(
                "an order without a key came to {other:?}"
            ))),
            Err(error) if is_of_this_place(&error) => Ok(Attempt::NotHere(error.into())),
            Err(error) => Err(error.into()),
        }
    }

    async fn execute(
        &self,
        producer: &DotCode,
        mode: Mode,
        order: &RunOptions,
        progress: &dyn Progress,
    ) -> Result<Outcome, Error> {
        let interrupt = self.interrupt.clone();
        self.runner
            .run(producer, &self.candidate, mode, order, progress, interrupt)
            .await
    }

    /// How far the demonstration's candidate is.
    pub(super) async fn rung(&self) -> Result<Rung, Failure> {
        let status = self.wrapper.candidate_status(&self.candidate).await?;
        Ok(status.map_or(Rung::StructuralCandidate, |status| {
            status.candidate_status_v3
        }))
    }

    /// The demonstration ends where Ctrl-C was pressed; what was called then is concluded already.
    pub(super) fn check_interrupt(&self) -> Result<(), Failure> {
        match self.interrupt.reason() {
            None => Ok(()),
            Some(_) => Err(Failure::new(
                crate::exit_status::ExitStatus::Failed,
                "interrupted",
                "the demonstration was interrupted; its gates are closed again",
            )
            .hint(format!(
                "what was recorded: dotwrap --schema {SCHEMA} runs ls"
            ))),
        }
    }
}

fn is_of_this_place(error: &Error) -> bool {
    match error {
        Error::Unusable { .. } | Error::RegistryChanged => true,
        Error::Wrapper(error) => error.refusal().is_some(),
        _ => false,
    }
}
