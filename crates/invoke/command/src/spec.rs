//! A contract's `invocation`, read and checked: what is called, and how.

use std::{collections::BTreeMap, ops::RangeInclusive, path::Path};

use dotwrap_invoke::{Template, UnsupportedContract};
use dotwrap_types::{ComponentRole, Contract};
use serde::Deserialize;
use serde_json::Value as Json;

use dotwrap_supervisor::{
    Home, Limits, ProgramSpec, RawPaths, RawProgram, VariableSource, invalid, template,
};

use crate::{
    output_rules::OutputRules,
    output_source::OutputSource,
    patterns::{RawPatterns, VerdictPatterns},
    stderr_tail,
};

const SCHEME: &str = "command:";

/// What a program can end with.
const EXIT_STATUSES: RangeInclusive<i32> = 0..=255;

/// How long an input may be to be digested, unless the contract says it: a second of reading.
const DIGEST_INPUT_BYTES: u64 = 1 << 30;

/// The invocation as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSpec {
    argv: Vec<String>,
    #[serde(default)]
    environment: Vec<String>,
    #[serde(default)]
    variables: BTreeMap<String, String>,
    #[serde(default)]
    variables_from: BTreeMap<String, VariableSource>,
    #[serde(default)]
    allow_setuid: bool,
    #[serde(default)]
    leave_running: Vec<String>,
    #[serde(default)]
    paths: RawPaths,
    #[serde(default)]
    require_sandbox: bool,
    output: Option<Json>,
    stdin: Option<String>,
    success_exit: Option<Vec<i32>>,
    #[serde(default)]
    warn_exit: Vec<i32>,
    #[serde(default)]
    error_exit: Vec<i32>,
    pass_stdout: Option<String>,
    pass_if: Option<RawPatterns>,
    fail_if: Option<RawPatterns>,
    error_if: Option<RawPatterns>,
    output_rules: Option<OutputRules>,
    digest_input_bytes: Option<u64>,
    #[serde(default)]
    record_stderr_tail_bytes: u64,
    #[serde(default)]
    home: Home,
    #[serde(default)]
    path: Vec<String>,
    time_zone: Option<String>,
    #[serde(default)]
    environment_optional: Vec<String>,
    #[serde(default)]
    limits: Limits,
}

/// The invocation as it is understood.
#[derive(Clone, Debug)]
pub(crate) struct Spec {
    pub(crate) program: ProgramSpec,
    pub(crate) output: OutputSource,
    pub(crate) stdin: Option<Template>,
    pub(crate) success_exit: Vec<i32>,
    /// A producer did its work, with a warning.
    pub(crate) warn_exit: Vec<i32>,
    pub(crate) error_exit: Vec<i32>,
    pub(crate) pass_stdout: Option<String>,
    pub(crate) patterns: VerdictPatterns,
    pub(crate) output_rules: Option<OutputRules>,
    /// How long an input may be to be digested, in bytes.
    pub(crate) digest_input_bytes: u64,
    /// How much of the end of standard error is kept in the ledger.
    pub(crate) record_stderr_tail_bytes: u64,
    names_output: bool,
}

impl Spec {
    /// Whether it is a producer's that has to make its output at a path that it is not told.
    pub(crate) fn is_path_untold(&self) -> bool {
        let is_told = self.names_output || self.program.has_argument_with("DOT_OUTPUT");
        matches!(self.output, OutputSource::Path(_)) && !is_told
    }

    /// Whether it is a verifier's that is not told where the output is. The variable `DOT_OUTPUT` is there in each
    /// call, and counts where an argument speaks of it.
    pub(crate) fn is_blind(&self, role: ComponentRole) -> bool {
        let is_told = self.names_output || self.program.has_argument_with("DOT_OUTPUT");
        role == ComponentRole::Verifier && !is_told
    }

    /// Reads a contract.
    pub(crate) fn of(contract: &Contract) -> Result<Self, UnsupportedContract> {
        let program = program_of(contract)?;
        let written: RawSpec = serde_json::from_value(contract.invocation.clone())
            .map_err(|error| invalid(format!("invocation: {error}")))?;
        let stdin = written.stdin.as_deref();
        if stdin.is_some_and(str::is_empty) {
            return Err(invalid("stdin: an empty text names no file"));
        }
        check_exits("success_exit", written.success_exit.as_deref())?;
        for (name, exits) in [
            ("error_exit", &written.error_exit),
            ("warn_exit", &written.warn_exit),
        ] {
            check_exits(name, Some(&exits[..]).filter(|exits| !exits.is_empty()))?;
        }
        let success_exit = written.success_exit.unwrap_or_else(|| vec![0]);
        if let Some(exit) = both(&success_exit, &written.warn_exit) {
            return Err(invalid(format!(
                "{exit} is in success_exit and in warn_exit"
            )));
        }
        let patterns = VerdictPatterns::read(written.pass_if, written.fail_if, written.error_if)?;
        if let Some(rules) = &written.output_rules {
            rules.check()?;
        }
        if written.record_stderr_tail_bytes > stderr_tail::MAX_BYTES {
            return Err(invalid(format!(
                "record_stderr_tail_bytes is at most {}",
                stderr_tail::MAX_BYTES
            )));
        }
        let stdin = stdin
            .map(|text| template("stdin", text, contract))
            .transpose()?;
        let time_zone = written.time_zone.clone();
        let keys = RawProgram {
            argv: written.argv,
            environment: written.environment,
            environment_optional: written.environment_optional,
            home: written.home,
            path: written.path,
            time_zone: written.time_zone,
            variables: written.variables,
            variables_from: written.variables_from,
            allow_setuid: written.allow_setuid,
            leave_running: written.leave_running,
            paths: written.paths,
            require_sandbox: written.require_sandbox,
            limits: written.limits,
        };
        let program = ProgramSpec::read(program, keys, contract)?;
        let names_output = program.names("output")
            || stdin
                .iter()
                .any(|template| template.names().any(|name| name == "output"));
        let output = OutputSource::read(
            contract.role,
            written.output.as_ref(),
            time_zone.as_deref(),
            names_output,
        )?;
        if matches!(output, OutputSource::Reference(_)) && written.output_rules.is_some() {
            return Err(invalid(
                "output_rules: they measure an output, and a reference only says where it is",
            ));
        }
        Ok(Self {
            output,
            success_exit,
            warn_exit: only_for_producers(contract.role, "warn_exit", written.warn_exit)?,
            output_rules: only_for_producers(contract.role, "output_rules", written.output_rules)?,
            digest_input_bytes: only_for_producers(
                contract.role,
                "digest_input_bytes",
                written.digest_input_bytes,
            )?
            .unwrap_or(DIGEST_INPUT_BYTES),
            record_stderr_tail_bytes: written.record_stderr_tail_bytes,
            patterns: only_for_verifiers(contract.role, "pass_if, fail_if and error_if", patterns)?,
            error_exit: only_for_verifiers(contract.role, "error_exit", written.error_exit)?,
            pass_stdout: only_for_verifiers(contract.role, "pass_stdout", written.pass_stdout)?,
            program,
            stdin,
            names_output,
        })
    }
}

fn program_of(contract: &Contract) -> Result<String, UnsupportedContract> {
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

/// A list that no call can end with is refused: each run would fail.
fn check_exits(name: &str, exits: Option<&[i32]>) -> Result<(), UnsupportedContract> {
    let Some(exits) = exits else {
        return Ok(());
    };
    if exits.is_empty() {
        return Err(invalid(format!("{name}: an empty list is true of no call")));
    }
    match exits.iter().find(|exit| !EXIT_STATUSES.contains(exit)) {
        Some(exit) => Err(invalid(format!(
            "{name}: no program ends with {exit}; an exit status is 0 to 255"
        ))),
        None => Ok(()),
    }
}

fn both(one: &[i32], other: &[i32]) -> Option<i32> {
    one.iter().copied().find(|exit| other.contains(exit))
}

/// What a verifier's contract says of outputs would be silently without effect.
fn only_for_producers<T: Default + PartialEq>(
    role: ComponentRole,
    name: &str,
    value: T,
) -> Result<T, UnsupportedContract> {
    if role == ComponentRole::Verifier && value != T::default() {
        return Err(invalid(format!("{name} is for producers")));
    }
    Ok(value)
}

/// What a producer's contract says of verdicts would be silently without effect.
fn only_for_verifiers<T: Default + PartialEq>(
    role: ComponentRole,
    name: &str,
    value: T,
) -> Result<T, UnsupportedContract> {
    if role == ComponentRole::Producer && value != T::default() {
        return Err(invalid(format!("{name} is for verifiers")));
    }
    Ok(value)
}
