//! From a call to what is started: every place filled, every file there.

use std::{fs::DirBuilder, os::unix::fs::DirBuilderExt, path::PathBuf};

use dotwrap_invoke::{Failure, ReadProgress, ToolCall, Values};
use dotwrap_types::ComponentRole;

use dotwrap_supervisor::{CallFolder, InputFile, Program, SearchPath, Stdin, placeholders};

use crate::{output_path::check_vacant, output_source::OutputSource, spec::Spec};

/// A call that can be started.
pub(crate) struct Prepared {
    pub(crate) role: ComponentRole,
    pub(crate) spec: Spec,
    pub(crate) folder: CallFolder,
    pub(crate) program: Program,
    pub(crate) stdin: Stdin,
    /// Where the output will be.
    pub(crate) output: PathBuf,
    /// How far the reading of the output is.
    pub(crate) reading: ReadProgress,
    /// What the last verified run of the same candidate and input left, in bytes.
    pub(crate) verified_bytes: Option<u64>,
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
        let output = output(call, &spec, &folder)?;
        let values = placeholders::values(call, &folder);
        let (mut program, environment_missing) =
            spec.program.program(call, &folder, &values, search_path)?;
        program.time_limit = Some(call.time_limit());
        Ok(Self {
            stdin: stdin(&spec, &values)?,
            role: call.role,
            input: input(&spec, call),
            spec,
            folder,
            output,
            reading: call.reading.clone(),
            verified_bytes: call.verified_bytes,
            program,
            environment_missing,
        })
    }
}

/// Where the output will be. The path of a contract was resolved before the run began; here it is looked at again,
/// because another run may have come first.
fn output(call: &ToolCall, spec: &Spec, folder: &CallFolder) -> Result<PathBuf, Failure> {
    let path = match (&spec.output, &call.output_path) {
        (source, _) if source.is_printed() => return Ok(folder.stdout()),
        (OutputSource::Path(_), Some(path)) => path.clone(),
        (OutputSource::Path(_), None) => {
            let message = "the contract has a path for the output, and the call has none";
            return Err(Failure::new("output_path_invalid", message));
        }
        _ => return Ok(folder.output()),
    };
    if path.starts_with(folder.placed()) {
        let made = DirBuilder::new().mode(0o700).create(folder.placed());
        made.map_err(|error| Failure::new("folder_unusable", error.to_string()))?;
    }
    check_vacant(&path).map_err(|taken| Failure::new(taken.code, taken.message))?;
    Ok(path)
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
