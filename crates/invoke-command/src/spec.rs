//! A contract's `invocation`, read and checked: what is called, and how.

use std::{collections::BTreeMap, path::Path};

use dotwrap_invoke::{Template, Unusable};
use dotwrap_wrapper::{ComponentRole, Contract};
use serde::Deserialize;

use crate::{Limits, places};

const SCHEME: &str = "command:";

/// What begins like this is said by the call and by nobody else.
const RESERVED: &str = "DOT_";

/// What counts as the tool's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OutputIs {
    /// What is in `{output}` when it has ended.
    File,
    /// What it printed.
    Stdout,
}

/// The invocation as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    argv: Vec<String>,
    #[serde(default)]
    environment: Vec<String>,
    #[serde(default)]
    variables: BTreeMap<String, String>,
    #[serde(default)]
    paths: WrittenPaths,
    output: Option<OutputIs>,
    stdin: Option<String>,
    success_exit: Option<Vec<i32>>,
    #[serde(default)]
    error_exit: Vec<i32>,
    pass_stdout: Option<String>,
    #[serde(default)]
    limits: Limits,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct WrittenPaths {
    read: Vec<String>,
    write: Vec<String>,
}

/// The invocation as it is understood.
#[derive(Clone, Debug)]
pub(crate) struct Spec {
    /// The endpoint's program: a name to look for, or an absolute path.
    pub(crate) program: String,
    /// The tool's own name.
    pub(crate) arg0: String,
    pub(crate) arguments: Vec<Template>,
    pub(crate) environment: Vec<String>,
    pub(crate) variables: BTreeMap<String, Template>,
    pub(crate) writes: Vec<Template>,
    pub(crate) output: OutputIs,
    pub(crate) stdin: Option<Template>,
    pub(crate) success_exit: Vec<i32>,
    pub(crate) error_exit: Vec<i32>,
    pub(crate) pass_stdout: Option<String>,
    pub(crate) limits: Limits,
}

impl Spec {
    /// Reads a contract.
    pub(crate) fn of(contract: &Contract) -> Result<Self, Unusable> {
        let program = program_of(contract)?;
        let written: Written = serde_json::from_value(contract.invocation.clone())
            .map_err(|error| invalid(format!("invocation: {error}")))?;
        let read = Reader(contract);
        let is_named = written
            .argv
            .first()
            .is_some_and(|first| *first == program || Some(first.as_str()) == base_name(&program));
        let arguments = read.templates("argv", &written.argv[usize::from(is_named)..])?;
        let arg0 = match is_named {
            true => written.argv[0].clone(),
            false => program.clone(),
        };
        let mut variables = BTreeMap::new();
        for (name, value) in &written.variables {
            check_variable(name)?;
            variables.insert(name.clone(), read.template("variables", value)?);
        }
        for name in &written.environment {
            check_variable(name)?;
        }
        let stdin = written.stdin.as_deref();
        let stdin = stdin.map(|text| read.template("stdin", text)).transpose()?;
        read.templates("paths.read", &written.paths.read)?;
        let writes = read.templates("paths.write", &written.paths.write)?;
        let names_output = arguments
            .iter()
            .chain(variables.values())
            .chain(&stdin)
            .any(|template| template.names().any(|name| name == "output"));
        Ok(Self {
            output: output_of(contract.role, written.output, names_output)?,
            success_exit: written.success_exit.unwrap_or_else(|| vec![0]),
            error_exit: only_for_verifiers(contract.role, "error_exit", written.error_exit)?,
            pass_stdout: only_for_verifiers(contract.role, "pass_stdout", written.pass_stdout)?,
            limits: written.limits,
            environment: written.environment,
            program,
            arg0,
            arguments,
            variables,
            writes,
            stdin,
        })
    }
}

pub(crate) fn invalid(message: impl Into<String>) -> Unusable {
    Unusable::new("invocation_invalid", message)
}

fn program_of(contract: &Contract) -> Result<String, Unusable> {
    let program = contract
        .endpoint_ref
        .as_deref()
        .and_then(|endpoint| endpoint.strip_prefix(SCHEME))
        .filter(|program| !program.trim().is_empty() && !program.contains('\0'));
    let hint = "a name that is looked for in the search path, or an absolute path: `command:tar`, `command:/opt/tool`";
    match program {
        Some(program) if program.contains('/') && !Path::new(program).is_absolute() => {
            Err(invalid(format!("endpoint_ref: `{program}` is a relative path")).hint(hint))
        }
        Some(program) => Ok(program.to_owned()),
        None => Err(invalid("endpoint_ref names no program").hint(hint)),
    }
}

fn base_name(program: &str) -> Option<&str> {
    Path::new(program).file_name()?.to_str()
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

fn output_of(
    role: ComponentRole,
    written: Option<OutputIs>,
    names_output: bool,
) -> Result<OutputIs, Unusable> {
    match (role, written) {
        (ComponentRole::Verifier, Some(OutputIs::File)) => Err(invalid(
            "output: a verifier's output is what it prints; `{output}` is the producer's",
        )),
        (ComponentRole::Verifier, _) => Ok(OutputIs::Stdout),
        (ComponentRole::Producer, Some(written)) => Ok(written),
        (ComponentRole::Producer, None) if names_output => Ok(OutputIs::File),
        (ComponentRole::Producer, None) => Ok(OutputIs::Stdout),
    }
}

/// What a producer's contract says of verdicts would be silently without effect.
fn only_for_verifiers<T: Default + PartialEq>(
    role: ComponentRole,
    name: &str,
    value: T,
) -> Result<T, Unusable> {
    if role == ComponentRole::Producer && value != T::default() {
        return Err(invalid(format!("{name} is for verifiers")));
    }
    Ok(value)
}

/// Reads templates and refuses places that nothing stands for in this contract.
struct Reader<'a>(&'a Contract);

impl Reader<'_> {
    fn template(&self, where_: &str, text: &str) -> Result<Template, Unusable> {
        if text.contains('\0') {
            return Err(invalid(format!("{where_}: a text holds a NUL character")));
        }
        let template =
            Template::parse(text).map_err(|error| invalid(format!("{where_}: {error}")))?;
        for name in template.names() {
            places::check(self.0, name).map_err(|why| invalid(format!("{where_}: {why}")))?;
        }
        Ok(template)
    }

    fn templates(&self, where_: &str, texts: &[String]) -> Result<Vec<Template>, Unusable> {
        texts
            .iter()
            .map(|text| self.template(where_, text))
            .collect()
    }
}
