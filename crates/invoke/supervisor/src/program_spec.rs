//! How a contract has a program started: the keys of an invocation that say so, read and checked, and what they come to
//! in a call. Another engine that starts programs reads them in the same way.

mod explanation;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use dotwrap_invoke::{Failure, Mode, Secrets, Template, ToolCall, UnsupportedContract, Values};
use dotwrap_types::Contract;

use crate::{
    CallFolder, Home, Limits, NotStartedCode, Program, RawProgram, Sandbox, SearchPath, Supervisor,
    declared_paths::{check_absolute, check_writes, is_everything, opens_everything},
    environment, placeholders, privileges,
    supervised::check_system,
    variable_source::SecretVariables,
};

pub use self::explanation::{bytes, listed};

/// What begins like this is said by the call and by nobody else.
const RESERVED: &str = "DOT_";

/// Behind it, nothing is an option any more.
const END_OF_OPTIONS: &str = "--";

/// The keys as they are understood.
#[derive(Clone, Debug)]
pub struct ProgramSpec {
    /// A name to look for, or an absolute path.
    program: String,
    /// The program's own name.
    arg0: String,
    arguments: Vec<Template>,
    environment: Vec<String>,
    environment_optional: Vec<String>,
    home: Home,
    path: Vec<PathBuf>,
    time_zone: Option<String>,
    variables: BTreeMap<String, Template>,
    secret_variables: SecretVariables,
    allow_setuid: bool,
    leave_running: Vec<String>,
    writes: Vec<Template>,
    require_sandbox: bool,
    limits: Limits,
}

impl ProgramSpec {
    /// Reads the keys for a program: a name to look for, or an absolute path.
    ///
    /// # Errors
    /// `invocation_invalid`, with the key.
    pub fn read(
        program: String,
        written: RawProgram,
        contract: &Contract,
    ) -> Result<Self, UnsupportedContract> {
        written.limits.check().map_err(invalid)?;
        let is_named = written
            .argv
            .first()
            .is_some_and(|first| *first == program || Some(first.as_str()) == base_name(&program));
        let arguments = templates("argv", &written.argv[usize::from(is_named)..], contract)?;
        let arg0 = match is_named {
            true => written.argv[0].clone(),
            false => program.clone(),
        };
        let mut variables = BTreeMap::new();
        for (name, value) in &written.variables {
            check_variable(name)?;
            variables.insert(name.clone(), template("variables", value, contract)?);
        }
        for name in written
            .environment
            .iter()
            .chain(&written.environment_optional)
            .chain(written.variables_from.keys())
        {
            check_variable(name)?;
        }
        check_named_once(&written)?;
        privileges::check(&written, contract).map_err(invalid)?;
        if let Some(name) = &written.time_zone
            && jiff::tz::TimeZone::get(name).is_err()
        {
            return Err(invalid(format!(
                "time_zone: there is no time zone `{name}`"
            )));
        }
        templates("paths.read", &written.paths.read, contract)?;
        let writes = templates("paths.write", &written.paths.write, contract)?;
        check_absolute(&writes, &written.paths.write).map_err(invalid)?;
        if contract.mode != Mode::RealRun.as_ref() {
            check_writes(&written.paths.write).map_err(invalid)?;
        }
        Ok(Self {
            program,
            arg0,
            arguments,
            environment: written.environment,
            environment_optional: written.environment_optional,
            home: written.home,
            path: folders(&written.path)?,
            time_zone: written.time_zone,
            variables,
            secret_variables: SecretVariables::read(written.variables_from).map_err(invalid)?,
            allow_setuid: written.allow_setuid,
            leave_running: written.leave_running,
            writes,
            require_sandbox: written.require_sandbox,
            limits: written.limits,
        })
    }

    /// Its arguments, without the program's own name.
    pub fn arguments(&self) -> &[Template] {
        &self.arguments
    }

    /// What it may use.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Whether anything the program is given has a place of this name.
    pub fn names(&self, name: &str) -> bool {
        let mut templates = self.arguments.iter().chain(self.variables.values());
        templates.any(|template| template.names().any(|place| place == name))
    }

    /// Whether an argument of the contract has this text in it.
    pub fn has_argument_with(&self, text: &str) -> bool {
        let mut arguments = self.arguments.iter();
        arguments.any(|argument| argument.texts().any(|piece| piece.contains(text)))
    }

    /// Whether the program is there, and where a sandbox is required, by the contract or by the supervisor's settings,
    /// a sandbox.
    ///
    /// # Errors
    /// Why not, as the search path says it; `sandbox_unavailable`.
    pub fn check(
        &self,
        search_path: &SearchPath,
        supervisor: &Supervisor,
        mode: Mode,
    ) -> Result<(), UnsupportedContract> {
        check_system().map_err(|why| UnsupportedContract::local("system_unusable", why))?;
        self.search_path(search_path).find(&self.program)?;
        let missing = environment::missing(&self.environment);
        if mode.may_mutate() && !missing.is_empty() {
            let message = format!("the runner's environment lacks {}", missing.join(", "));
            return Err(UnsupportedContract::local("environment_missing", message).hint(
                "set it where the runner runs, or name it in the contract's environment_optional",
            ));
        }
        self.secret_variables.check()?;
        if mode.may_mutate() && self.allow_setuid {
            privileges::check_available()?;
        }
        let is_required = self.require_sandbox || supervisor.requires_sandbox();
        if mode.may_mutate() || !is_required {
            return Ok(());
        }
        supervisor.check_sandbox().map_err(|why| {
            UnsupportedContract::new(
                NotStartedCode::Sandbox.as_str(),
                format!("a complete sandbox is required for dry runs, and the system has none: {why}"),
            )
            .hint("`dotwrap doctor` says what to do; or take back `require_sandbox` (setting, or in the contract)")
        })
    }

    /// What it is given and must not say back: of the runner's environment as [`Secrets::of_variables`] has it, and all
    /// values of `variables_from`.
    pub fn secrets(&self) -> Secrets {
        let values = self.secret_variables.values();
        Secrets::of_variables(self.copied().map(String::as_str), values)
    }

    /// The values of all variables that come from the runner's environment or from files: a server has no need to repeat
    /// any.
    pub fn copied_values(&self) -> Vec<String> {
        let copied = self.copied().map(std::env::var).filter_map(Result::ok);
        copied.chain(self.secret_variables.values()).collect()
    }

    /// What a contract that can be called probably lacks, in sentences for people.
    pub fn warnings(&self) -> Vec<String> {
        let warning = privileges::warning(&self.program, self.allow_setuid);
        warning.into_iter().collect()
    }

    /// Whether its home is an empty folder of the call.
    pub fn has_own_home(&self) -> bool {
        self.home == Home::Own
    }

    fn copied(&self) -> impl Iterator<Item = &String> {
        self.environment.iter().chain(&self.environment_optional)
    }

    fn search_path(&self, others: &SearchPath) -> SearchPath {
        others.behind(self.path.iter().cloned())
    }

    /// What is to be started for one call, without limits of time, and the variables that the contract names and the
    /// runner does not have.
    ///
    /// # Errors
    /// The program is not there, or a place of the contract cannot be filled in this call.
    pub fn program(
        &self,
        call: &ToolCall,
        folder: &CallFolder,
        values: &Values,
        search_path: &SearchPath,
    ) -> Result<(Program, Vec<String>), Failure> {
        let search_path = self.search_path(search_path);
        let path = search_path.find(&self.program).map_err(unusable)?;
        let mut variables = environment::of_call(call, folder, values, &search_path);
        if self.home == Home::Runner {
            let home = std::env::var("HOME").map_err(|_none_or_no_text| {
                let message = "the contract wants the runner's home (home = \"runner\"), and its environment has no HOME";
                Failure::new("environment_missing", message)
            })?;
            variables.insert("HOME".to_owned(), home);
        }
        if let Some(time_zone) = &self.time_zone {
            variables.insert("TZ".to_owned(), time_zone.clone());
        }
        let missing = environment::add_named(&mut variables, &self.environment);
        let _may_be_missing = environment::add_named(&mut variables, &self.environment_optional);
        for (name, template) in &self.variables {
            variables.insert(name.clone(), placeholders::fill(template, values)?);
        }
        variables.extend(self.secret_variables.get().map_err(unusable)?);
        if variables.values().any(|value| value.contains('\0')) {
            return Err(holds_nul());
        }
        let mut program = Program::new(path, &folder.work(), &folder.stderr());
        program.arg0.clone_from(&self.arg0);
        program.arguments = self.filled_arguments(values)?;
        program.environment = variables;
        program.limits = self.limits.clone();
        let writes = self.writes(call, folder, values)?;
        if call.mode.may_mutate() {
            program.allow_setuid = self.allow_setuid;
            program.leave_running.clone_from(&self.leave_running);
        } else {
            program.sandbox = Sandbox::WritesBelow(writes);
            program.require_sandbox = self.require_sandbox;
        }
        Ok((program, missing))
    }

    /// Whoever chose the input must not choose an option of the tool: `--use-compress-program=…` is a command.
    fn filled_arguments(&self, values: &Values) -> Result<Vec<String>, Failure> {
        let mut arguments = Vec::new();
        let mut options_ended = false;
        for template in &self.arguments {
            let argument = placeholders::fill(template, values)?;
            if argument.contains('\0') {
                return Err(holds_nul());
            }
            if !template.starts_with_placeholder() {
                options_ended |= argument == END_OF_OPTIONS;
            } else if argument.starts_with('-') && !options_ended {
                return Err(Failure::new(
                    "input_looks_like_option",
                    "an argument begins with a value from the call, and the value begins with `-`; \
                     a contract that means it puts `--` before it",
                ));
            }
            arguments.push(argument);
        }
        Ok(arguments)
    }

    fn writes(
        &self,
        call: &ToolCall,
        folder: &CallFolder,
        values: &Values,
    ) -> Result<Vec<PathBuf>, Failure> {
        // What leads to the runs' folder is nobody's to change who is called; a link in a declared path is not
        // followed.
        let own = folder.path();
        let mut writes = vec![own.canonicalize().unwrap_or_else(|_| own.to_owned())];
        for template in &self.writes {
            let path = PathBuf::from(placeholders::fill(template, values)?);
            if !path.is_absolute() {
                let message = "paths.write: a path is not absolute";
                return Err(Failure::new("invocation_invalid", message));
            }
            if !call.mode.may_mutate() && is_everything(&path) {
                return Err(Failure::new("invocation_invalid", opens_everything()));
            }
            writes.push(path);
        }
        Ok(writes)
    }
}

/// The template of a contract's key.
///
/// # Errors
/// `invocation_invalid`: the text has a NUL character, or a placeholder that no call fills.
pub fn template(
    key: &str,
    text: &str,
    contract: &Contract,
) -> Result<Template, UnsupportedContract> {
    if text.contains('\0') {
        return Err(invalid(format!("{key}: a text holds a NUL character")));
    }
    placeholders::template(text, contract).map_err(|why| invalid(format!("{key}: {why}")))
}

fn templates(
    key: &str,
    texts: &[String],
    contract: &Contract,
) -> Result<Vec<Template>, UnsupportedContract> {
    let read = |text: &String| template(key, text, contract);
    texts.iter().map(read).collect()
}

/// The error of a contract whose invocation cannot be used.
pub fn invalid(message: impl Into<String>) -> UnsupportedContract {
    UnsupportedContract::new("invocation_invalid", message)
}

fn unusable(unusable: UnsupportedContract) -> Failure {
    Failure::new(unusable.code, unusable.message)
}

fn holds_nul() -> Failure {
    Failure::new("input_invalid", "a value holds a NUL character")
}

fn folders(paths: &[String]) -> Result<Vec<PathBuf>, UnsupportedContract> {
    let folder = |text: &String| match Path::new(text) {
        path if path.is_absolute() && !text.contains([':', '\0']) => Ok(path.to_owned()),
        _ => Err(invalid(format!(
            "path: `{text}` is no absolute path of a folder"
        ))),
    };
    paths.iter().map(folder).collect()
}

fn base_name(program: &str) -> Option<&str> {
    Path::new(program).file_name()?.to_str()
}

/// Which of two values a variable has would be nobody's decision.
fn check_named_once(written: &RawProgram) -> Result<(), UnsupportedContract> {
    let named = |name: &&String| {
        let is_copied = |names: &[String]| names.contains(name);
        written.variables.contains_key(*name)
            || is_copied(&written.environment)
            || is_copied(&written.environment_optional)
    };
    match written.variables_from.keys().find(named) {
        Some(name) => Err(invalid(format!(
            "variables_from: `{name}` has a value in another key already"
        ))),
        None => Ok(()),
    }
}

fn check_variable(name: &str) -> Result<(), UnsupportedContract> {
    if name.is_empty() || name.contains(['=', '\0']) {
        return Err(invalid(format!("`{name}` cannot name a variable")));
    }
    if name.starts_with(RESERVED) {
        let message = format!("`{name}`: variables that begin with {RESERVED} are set by the call");
        return Err(invalid(message));
    }
    Ok(())
}
