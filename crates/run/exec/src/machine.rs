//! What this machine lacks, as findings of `doctor`.

use std::{collections::BTreeMap, path::PathBuf};

use dotwrap_contract::{Finding, Severity};
use dotwrap_invoke::Space;
use dotwrap_runner::Runner;
use dotwrap_supervisor::Supervisor;
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
        why: "A full disk keeps outputs from being kept, and what is known of a run from being recorded.",
        mend: "Free space there; `dotwrap runs prune` removes what old runs left.".to_owned(),
    }
}

/// Tries the sandbox of dry runs.
///
/// # Errors
/// What it lacks, as text for people.
pub fn check_sandbox() -> Result<(), String> {
    Supervisor::of_this_program().check_sandbox()
}

/// Whether this system keeps tools in dry runs from writing elsewhere.
pub fn sandbox_finding(is_required: bool) -> Finding {
    let Err(why) = check_sandbox() else {
        return Finding {
            name: "sandbox",
            severity: Severity::Fine,
            what: "dry runs write nowhere but in their own folder and in declared paths".to_owned(),
            why: "",
            mend: String::new(),
        };
    };
    let severity = match is_required {
        true => Severity::Problem,
        false => Severity::Warning,
    };
    Finding {
        name: "sandbox",
        severity,
        what: format!("this system has no complete sandbox for dry runs: {why}"),
        why: "Nothing keeps a tool in a dry run from writing wherever its account may. Such runs say sandbox_incomplete; with \
              require_sandbox they are refused.",
        mend: "Run dotwrap on Linux 6.2 or newer with Landlock switched on (lsm=landlock,…)."
            .to_owned(),
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
