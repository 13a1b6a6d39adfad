//! From a call to what is started: every place filled, every file there.

use std::{fs::OpenOptions, os::unix::fs::OpenOptionsExt, path::PathBuf};

use dotwrap_invoke::{Failure, ToolCall, Values};
use nix::fcntl::OFlag;

use crate::{
    CallFolder, Program, SearchPath, Stdin, Supervisor, places,
    spec::{OutputIs, Spec},
};

/// A call that can be started.
pub(crate) struct Prepared {
    pub(crate) spec: Spec,
    pub(crate) folder: CallFolder,
    pub(crate) program: Program,
    pub(crate) stdin: Stdin,
    /// Names in the contract that the runner's environment does not have.
    pub(crate) environment_missing: Vec<String>,
}

impl Prepared {
    pub(crate) fn of(
        call: &ToolCall,
        search_path: &SearchPath,
        supervisor: &Supervisor,
    ) -> Result<Self, Failure> {
        let spec = Spec::of(&call.contract)
            .map_err(|unusable| Failure::new(unusable.code, unusable.message))?;
        let folder = CallFolder::of(call)
            .map_err(|error| Failure::new("folder_unusable", error.to_string()))?;
        let values = places::values(call, &folder);
        let (mut program, environment_missing) =
            spec.program.program(call, &folder, &values, search_path)?;
        program.time_limit = Some(call.time_limit());
        Ok(Self {
            stdin: stdin(&spec, &values, supervisor)?,
            spec,
            folder,
            program,
            environment_missing,
        })
    }

    /// Where the output will be.
    pub(crate) fn output(&self) -> PathBuf {
        match self.spec.output {
            OutputIs::File => self.folder.output(),
            OutputIs::Stdout => self.folder.stdout(),
        }
    }
}

/// Opened without waiting: a pipe in its place would never open.
fn stdin(spec: &Spec, values: &Values, supervisor: &Supervisor) -> Result<Stdin, Failure> {
    let Some(template) = &spec.stdin else {
        return Ok(Stdin::Nothing);
    };
    let unusable =
        |why: String| Failure::new("stdin_unusable", format!("its standard input: {why}"));
    let path = PathBuf::from(places::fill(template, values)?);
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(OFlag::O_NONBLOCK.bits())
        .open(&path)
        .map_err(|error| unusable(error.to_string()))?;
    if supervisor
        .conceals(&file, &path)
        .map_err(|error| unusable(error.to_string()))?
    {
        return Err(unusable(
            "it is kept from tools: it lets into the ledger".to_owned(),
        ));
    }
    match file.metadata() {
        Ok(metadata) if metadata.is_file() => Ok(Stdin::File(file)),
        _ => Err(unusable("it is no file".to_owned())),
    }
}
