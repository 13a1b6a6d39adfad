//! From a call to what is started: every place filled, every file there.

use std::path::PathBuf;

use dotwrap_invoke::{Failure, ToolCall, Values};
use dotwrap_types::ComponentRole;

use dotwrap_supervisor::{CallFolder, InputFile, Program, SearchPath, Stdin, placeholders};

use crate::spec::{OutputSource, Spec};

/// A call that can be started.
pub(crate) struct Prepared {
    pub(crate) spec: Spec,
    pub(crate) folder: CallFolder,
    pub(crate) program: Program,
    pub(crate) stdin: Stdin,
    /// The run's input, where it may be a file that is to be digested.
    pub(crate) input: Option<InputFile>,
    /// Names in the contract that the runner's environment does not have.
    pub(crate) environment_missing: Vec<String>,
}

impl Prepared {
    pub(crate) fn of(call: &ToolCall, search_path: &SearchPath) -> Result<Self, Failure> {
        let spec = Spec::of(&call.contract)
            .map_err(|unusable| Failure::new(unusable.code, unusable.message))?;
        let folder = CallFolder::of(call)
            .map_err(|error| Failure::new("folder_unusable", error.to_string()))?;
        let values = placeholders::values(call, &folder);
        let (mut program, environment_missing) =
            spec.program.program(call, &folder, &values, search_path)?;
        program.time_limit = Some(call.time_limit());
        Ok(Self {
            stdin: stdin(&spec, &values)?,
            input: input(&spec, call),
            spec,
            folder,
            program,
            environment_missing,
        })
    }

    /// Where the output will be.
    pub(crate) fn output(&self) -> PathBuf {
        match self.spec.output {
            OutputSource::File => self.folder.output(),
            OutputSource::Stdout => self.folder.stdout(),
        }
    }
}

/// The producer is given the run's input. A verifier reads the same one, or nothing of it.
fn input(spec: &Spec, call: &ToolCall) -> Option<InputFile> {
    let path = PathBuf::from(call.input_ref.as_ref()?);
    let max_bytes = spec.digest_input_bytes;
    let is_wanted = call.role == ComponentRole::Producer && max_bytes > 0;
    (is_wanted && path.is_absolute()).then_some(InputFile { path, max_bytes })
}

/// It is opened by the launcher, with the tool's rights.
fn stdin(spec: &Spec, values: &Values) -> Result<Stdin, Failure> {
    let Some(template) = &spec.stdin else {
        return Ok(Stdin::Nothing);
    };
    let path = PathBuf::from(placeholders::fill(template, values)?);
    let absolute = std::path::absolute(&path);
    absolute
        .map(Stdin::File)
        .map_err(|error| Failure::new("stdin_unusable", format!("its standard input: {error}")))
}
