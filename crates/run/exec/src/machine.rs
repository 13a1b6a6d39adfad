//! What this machine lacks, as findings of `doctor`.

use std::{collections::BTreeMap, path::PathBuf};

use dotwrap_contract::{Finding, Severity};
use dotwrap_invoke::Space;
use dotwrap_runner::Runner;
use dotwrap_supervisor::{SandboxProblem, Supervisor};
use dotwrap_types::Contract;
use dotwrap_wrapper::{Error, Wrapper};

/// Free bytes below which the files of runs and their records may not be written any more.
const NO_SPACE: u64 = 64 << 20;

/// Free bytes below which a larger output may not be written.
const LITTLE_SPACE: u64 = 512 << 20;

/// The file systems of these paths that are nearly full, each once. A path comes with its name in the finding.
pub fn disk_findings(paths: impl IntoIterator<Item = (&'static str, PathBuf)>) -> Vec<Finding> {
    let mut full: BTreeMap<String, (Space, Vec<&str>)> = BTreeMap::new();
    for (what, path) in paths {
        let space = Space::at(&path)
            .ok()
            .filter(|space| space.free < LITTLE_SPACE || space.is_out_of_files);
        if let Some(space) = space {
            let place = format!("{:?}", space.mounted_at);
            full.entry(place)
                .or_insert((space, Vec::new()))
                .1
                .push(what);
        }
    }
    full.into_values()
        .map(|(space, what)| of_disk(&space, &what))
        .collect()
}

fn of_disk(space: &Space, what: &[&str]) -> Finding {
    let severity = match space.free < NO_SPACE || space.is_out_of_files {
        true => Severity::Problem,
        false => Severity::Warning,
    };
    Finding {
        name: "disk",
        severity,
        what: format!("{space}: {}", what.join(", ")),
        why: "Outputs and results cannot be written to a full disk.",
        mend: "Free space there; `dotwrap runs prune` removes what old runs left.".to_owned(),
    }
}

/// Tries the sandbox of dry runs.
///
/// # Errors
/// What it lacks.
pub fn check_sandbox() -> Result<(), SandboxProblem> {
    Supervisor::of_this_program().check_sandbox()
}

/// Whether this system keeps tools in dry runs from writing elsewhere.
pub fn sandbox_finding(is_required: bool) -> Finding {
    let problem = match check_sandbox() {
        Ok(()) => {
            return Finding {
                name: "sandbox",
                severity: Severity::Fine,
                what: "dry runs write nowhere but in their own folder and in declared paths"
                    .to_owned(),
                why: "",
                mend: String::new(),
            };
        }
        Err(problem) => problem,
    };
    let mend = "On Linux 6.2 or newer, switch Landlock on (lsm=landlock,…). In a container, allow its system calls, and namespaces of the \
                account (unshare, mount)."
        .to_owned();
    match problem {
        SandboxProblem::Unusable(why) => Finding {
            name: "sandbox",
            severity: Severity::Problem,
            what: format!("the sandbox for dry runs cannot be used: {why}"),
            why: "No dry run starts a tool here: each ends with sandbox_unavailable.",
            mend,
        },
        SandboxProblem::Incomplete(why) => Finding {
            name: "sandbox",
            severity: match is_required {
                true => Severity::Problem,
                false => Severity::Warning,
            },
            what: format!("the sandbox for dry runs is incomplete: {why}"),
            why: "Tools of dry runs can change files outside their folders. Such runs say \
                  sandbox_incomplete; with require_sandbox they are refused.",
            mend,
        },
    }
}

/// What active contracts probably lack, for those that the filter selects. Each sentence names its contract.
///
/// # Errors
/// The registry cannot be read.
pub async fn contract_warnings(
    ledger: &Wrapper,
    runner: &Runner,
    is_selected: impl Fn(&Contract) -> bool,
) -> Result<Vec<String>, Error> {
    let mut contracts = ledger.contracts_with_values().await?;
    contracts.retain(|contract| contract.contract_status == "active" && is_selected(contract));
    if contracts.is_empty() {
        return Ok(Vec::new());
    }
    let tools = ledger.tools().await?;
    let mut found = Vec::new();
    for contract in &contracts {
        if let Some(tool) = tools.iter().find(|tool| tool.dot_code == contract.dot_code) {
            let name = format!("{} {}", contract.dot_code, contract.mode);
            let warnings = runner.warnings(tool, contract).into_iter();
            found.extend(warnings.map(|warning| format!("{name}: {warning}")));
        }
    }
    Ok(found)
}
