//! A server that is a program: how it is started. The keys are the command engine's.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use dotwrap_invoke::{Failure, Template, ToolCall, Unusable, Values};
use dotwrap_invoke_command::{
    CallFolder, Limits, Program, Sandbox, SearchPath, environment, places,
};
use dotwrap_wrapper::Contract;
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use crate::{
    arguments::{check_text, unfilled},
    invocation::invalid,
};

/// Variables that begin like this are the call's own.
const RESERVED: &str = "DOT_";

/// Behind it, nothing is an option any more.
const END_OF_OPTIONS: &str = "--";

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Written {
    argv: Vec<String>,
    environment: Vec<String>,
    variables: BTreeMap<String, String>,
    paths: WrittenPaths,
    limits: Limits,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct WrittenPaths {
    read: Vec<String>,
    write: Vec<String>,
}

/// How a server is started, as the contract has it.
#[derive(Clone, Debug)]
pub(crate) struct ProgramSpec {
    program: String,
    arg0: String,
    arguments: Vec<Template>,
    environment: Vec<String>,
    variables: BTreeMap<String, Template>,
    writes: Vec<Template>,
    pub(crate) limits: Limits,
}

impl ProgramSpec {
    pub(crate) fn read(
        program: String,
        keys: Map<String, Json>,
        contract: &Contract,
    ) -> Result<Self, Unusable> {
        if program.contains('\0') || (program.contains('/') && !Path::new(&program).is_absolute()) {
            return Err(Unusable::new(
                "endpoint_invalid",
                "the endpoint's program is a relative path",
            )
            .hint("a name that is looked for in the search path, or an absolute path"));
        }
        let written = Written::deserialize(Json::Object(keys))
            .map_err(|error| invalid(format!("invocation: {error}")))?;
        let templates = |key: &str, texts: &[String]| -> Result<Vec<Template>, Unusable> {
            texts
                .iter()
                .map(|text| template(key, text, contract))
                .collect()
        };
        let is_named = written
            .argv
            .first()
            .is_some_and(|first| *first == program || is_base_name(first, &program));
        let arguments = templates("argv", &written.argv[usize::from(is_named)..])?;
        templates("paths.read", &written.paths.read)?;
        let writes = templates("paths.write", &written.paths.write)?;
        let mut variables = BTreeMap::new();
        for (name, text) in &written.variables {
            check_variable(name)?;
            variables.insert(name.clone(), template("variables", text, contract)?);
        }
        for name in &written.environment {
            check_variable(name)?;
        }
        Ok(Self {
            arg0: match is_named {
                true => written.argv[0].clone(),
                false => program.clone(),
            },
            program,
            arguments,
            environment: written.environment,
            variables,
            writes,
            limits: written.limits,
        })
    }

    /// Whether anything the program is given has a place of this name.
    pub(crate) fn names(&self, name: &str) -> bool {
        let mut templates = self.arguments.iter().chain(self.variables.values());
        templates.any(|template| template.names().any(|place| place == name))
    }

    /// Whether it is there.
    pub(crate) fn check(&self, search_path: &SearchPath) -> Result<(), Unusable> {
        search_path.find(&self.program).map(|_path| ())
    }

    /// The values of the variables that are copied from the runner's environment: none of them is anybody else's
    /// business.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let values = self.environment.iter().map(std::env::var);
        values.filter_map(Result::ok).collect()
    }

    /// What is to be started for one call, and the variables that the contract names and the runner does not have.
    pub(crate) fn program(
        &self,
        call: &ToolCall,
        folder: &CallFolder,
        search_path: &SearchPath,
    ) -> Result<(Program, Vec<String>), Failure> {
        let values = places::values(call, folder);
        let path = search_path
            .find(&self.program)
            .map_err(|error| Failure::new(error.code, error.message))?;
        let mut variables = environment::of_call(call, folder, &values, search_path);
        let missing = environment::add_named(&mut variables, &self.environment);
        for (name, template) in &self.variables {
            variables.insert(name.clone(), fill(template, &values)?);
        }
        if variables.values().any(|value| value.contains('\0')) {
            return Err(holds_nul());
        }
        let mut program = Program::new(path, &folder.work(), &folder.stderr());
        program.arg0.clone_from(&self.arg0);
        program.arguments = self.arguments(&values)?;
        program.environment = variables;
        program.limits = self.limits.clone();
        if !call.mode.may_mutate() {
            program.sandbox = Sandbox::WritesBelow(self.writes(folder, &values)?);
        }
        Ok((program, missing))
    }

    /// Whoever chose the input must not choose an option of the program, as in the command engine.
    fn arguments(&self, values: &Values) -> Result<Vec<String>, Failure> {
        let mut arguments = Vec::new();
        let mut options_ended = false;
        for template in &self.arguments {
            let argument = fill(template, values)?;
            if argument.contains('\0') {
                return Err(holds_nul());
            }
            if !template.begins_with_place() {
                options_ended |= argument == END_OF_OPTIONS;
            } else if argument.starts_with('-') && !options_ended {
                return Err(Failure::new(
                    "input_looks_like_option",
                    "an argument begins with a value from the call, and the value begins with `-`; a contract that means it puts `--` before it",
                ));
            }
            arguments.push(argument);
        }
        Ok(arguments)
    }

    fn writes(&self, folder: &CallFolder, values: &Values) -> Result<Vec<PathBuf>, Failure> {
        let mut writes = vec![folder.path().to_owned()];
        for template in &self.writes {
            let path = PathBuf::from(fill(template, values)?);
            if !path.is_absolute() {
                let what = "paths.write: a path is not absolute";
                return Err(Failure::new("invocation_invalid", what));
            }
            writes.push(path);
        }
        Ok(writes)
    }
}

fn fill(template: &Template, values: &Values) -> Result<String, Failure> {
    template.fill(values).map_err(|error| unfilled(&error))
}

fn holds_nul() -> Failure {
    Failure::new("input_invalid", "a value holds a NUL character")
}

fn template(key: &str, text: &str, contract: &Contract) -> Result<Template, Unusable> {
    if text.contains('\0') {
        return Err(invalid(format!("{key}: a text holds a NUL character")));
    }
    check_text(text, contract).map_err(|why| invalid(format!("{key}: {why}")))
}

fn is_base_name(name: &str, program: &str) -> bool {
    Path::new(program)
        .file_name()
        .and_then(|base| base.to_str())
        == Some(name)
}

fn check_variable(name: &str) -> Result<(), Unusable> {
    if name.is_empty() || name.contains(['=', '\0']) {
        return Err(invalid(format!("`{name}` can not name a variable")));
    }
    if name.starts_with(RESERVED) {
        let message = format!("`{name}`: variables that begin with {RESERVED} are set by the call");
        return Err(invalid(message));
    }
    Ok(())
}
