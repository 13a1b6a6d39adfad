//! From a call to what is started: every place filled, every file there.

use std::{fs::OpenOptions, os::unix::fs::OpenOptionsExt, path::PathBuf};

use dotwrap_invoke::{Failure, Template, TemplateError, ToolCall, Unusable, Values};
use nix::fcntl::OFlag;

use crate::{
    CallFolder, Program, Sandbox, SearchPath, Stdin, environment, places,
    spec::{OutputIs, Spec},
};

/// Behind it, nothing is an option any more.
const END_OF_OPTIONS: &str = "--";

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
    pub(crate) fn of(call: &ToolCall, search_path: &SearchPath) -> Result<Self, Failure> {
        let spec = Spec::of(&call.contract).map_err(unusable)?;
        let path = search_path.find(&spec.program).map_err(unusable)?;
        let folder = CallFolder::of(call)
            .map_err(|error| Failure::new("folder_unusable", error.to_string()))?;
        let values = places::values(call, &folder);
        let mut environment = environment::of_call(call, &folder, &values, search_path);
        let environment_missing = environment::add_named(&mut environment, &spec.environment);
        for (name, value) in &spec.variables {
            environment.insert(name.clone(), fill(value, &values)?);
        }
        if environment.values().any(|value| value.contains('\0')) {
            return Err(holds_nul());
        }
        let program = Program {
            path,
            arg0: spec.arg0.clone(),
            arguments: arguments(&spec, &values)?,
            environment,
            folder: folder.work(),
            stderr: folder.stderr(),
            limits: spec.limits.clone(),
            sandbox: sandbox(call, &spec, &folder, &values)?,
            time_limit: Some(call.time_limit()),
            leave: None,
        };
        Ok(Self {
            stdin: stdin(&spec, &values)?,
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

fn unusable(unusable: Unusable) -> Failure {
    Failure::new(unusable.code, unusable.message)
}

fn holds_nul() -> Failure {
    Failure::new("input_invalid", "a value holds a NUL character")
}

fn fill(template: &Template, values: &Values) -> Result<String, Failure> {
    template.fill(values).map_err(|error| match error {
        TemplateError::Unknown(name) if name == "input" => Failure::new(
            "input_missing",
            "the contract needs an input and the run was given none",
        ),
        other => Failure::new("invocation_invalid", other.to_string()),
    })
}

/// Whoever chose the input must not choose an option of the tool: `--use-compress-program=…` is a command.
fn arguments(spec: &Spec, values: &Values) -> Result<Vec<String>, Failure> {
    let mut arguments = Vec::new();
    let mut options_ended = false;
    for template in &spec.arguments {
        let argument = fill(template, values)?;
        if argument.contains('\0') {
            return Err(holds_nul());
        }
        if template.begins_with_place() {
            if argument.starts_with('-') && !options_ended {
                return Err(Failure::new(
                    "input_looks_like_option",
                    "an argument begins with a value from the call, and the value begins with `-`; \
                     a contract that means it puts `--` before it",
                ));
            }
        } else {
            options_ended |= argument == END_OF_OPTIONS;
        }
        arguments.push(argument);
    }
    Ok(arguments)
}

fn sandbox(
    call: &ToolCall,
    spec: &Spec,
    folder: &CallFolder,
    values: &Values,
) -> Result<Sandbox, Failure> {
    let mut paths = vec![folder.path().to_owned()];
    for template in &spec.writes {
        let path = PathBuf::from(fill(template, values)?);
        if !path.is_absolute() {
            let message = "paths.write: a path is not absolute";
            return Err(Failure::new("invocation_invalid", message));
        }
        paths.push(path);
    }
    Ok(match call.mode.may_mutate() {
        true => Sandbox::Unrestricted,
        false => Sandbox::WritesBelow(paths),
    })
}

/// Opened without waiting: a pipe in its place would never open.
fn stdin(spec: &Spec, values: &Values) -> Result<Stdin, Failure> {
    let Some(template) = &spec.stdin else {
        return Ok(Stdin::Nothing);
    };
    let unusable =
        |why: String| Failure::new("stdin_unusable", format!("its standard input: {why}"));
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(OFlag::O_NONBLOCK.bits())
        .open(fill(template, values)?)
        .map_err(|error| unusable(error.to_string()))?;
    match file.metadata() {
        Ok(metadata) if metadata.is_file() => Ok(Stdin::File(file)),
        _ => Err(unusable("it is no file".to_owned())),
    }
}
