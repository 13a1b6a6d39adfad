//! What `doctor` looks at: the contract's own diagnosis of an installation, and what only this program knows.

use std::collections::BTreeMap;
use std::path::PathBuf;

use dotwrap_contract::{Finding, Severity};
use dotwrap_invoke::Space;
use dotwrap_invoke_command::check_sandbox;
use dotwrap_wrapper::Tool;

use crate::commands::contract_checks;
use crate::commands::execution::{data_folder, run_folders};
use crate::configuration::DatabaseChoice;
use crate::failure::Failure;
use crate::session::{Connection, Context, LedgerClient};

/// Examines an installation; what matters most comes first.
pub(crate) async fn examine(
    session: &Context,
    mut reached: Connection,
) -> Result<Vec<Finding>, Failure> {
    let client = reached.connect(session).await?;
    let schema = &session.settings.schema;
    let is_installed = dotwrap_contract::installed(&client, schema)
        .await
        .is_ok_and(|found| found.is_some());
    let mut findings = dotwrap_contract::diagnose(&client, schema).await?;
    drop(client);
    findings.extend(location(&reached));
    findings.push(sandbox(session.settings.require_sandbox));
    findings.extend(disks(session, &reached));
    findings.extend(mended_files(&reached));
    if is_installed {
        findings.extend(registry(session, reached).await);
    } else if session.settings.database == DatabaseChoice::Embedded {
        findings
            .iter_mut()
            .filter(|finding| finding.name == "contract")
            .for_each(installs_itself);
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    Ok(findings)
}

/// Where the embedded server keeps its data.
fn location(reached: &Connection) -> Option<Finding> {
    let cluster = reached.cluster.as_ref()?;
    Some(finding(
        "embedded",
        Severity::Fine,
        format!(
            "dotwrap's own PostgreSQL, in {}",
            cluster.folder().display()
        ),
    ))
}

/// Below it, what runs leave and what is recorded of them may not be written any more.
const NO_SPACE: u64 = 64 << 20;

/// Below it, a larger output may be enough.
const LITTLE_SPACE: u64 = 512 << 20;

/// The file systems that this program and its embedded server write to, where they are nearly full; each is
/// told once.
fn disks(session: &Context, reached: &Connection) -> Vec<Finding> {
    let runs = run_folders(None, &session.settings).ok();
    let runs = runs.map(|runs| ("the runs' folder", PathBuf::from(runs.root())));
    let data = reached.cluster.as_ref();
    let data = data.map(|cluster| ("the embedded server", PathBuf::from(cluster.folder())));
    let home = data_folder(session.settings.home.as_ref()).ok();
    let home = home.map(|home| ("dotwrap's data folder", home));
    let mut full: BTreeMap<String, (Space, Vec<&str>)> = BTreeMap::new();
    for (what, path) in [runs, data, home].into_iter().flatten() {
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
        why: "A full disk keeps outputs from being kept, and what is known of a run from being recorded.",
        mend: "Free space there; `dotwrap runs prune` removes what old runs left.".to_owned(),
        ..finding("disk", severity, format!("{space}: {}", what.join(", ")))
    }
}

/// Whether this system keeps tools in dry runs from writing elsewhere.
fn sandbox(is_required: bool) -> Finding {
    let Err(why) = check_sandbox() else {
        let what = "dry runs write nowhere but in their own folder and in declared paths";
        return finding("sandbox", Severity::Fine, what.to_owned());
    };
    let severity = match is_required {
        true => Severity::Problem,
        false => Severity::Warning,
    };
    Finding {
        why: "Nothing keeps a tool in a dry run from writing wherever its account may. Such runs say sandbox_incomplete; with \
              require_sandbox they are refused.",
        mend: "Run dotwrap on Linux 6.2 or newer with Landlock switched on (lsm=landlock,…)."
            .to_owned(),
        ..finding(
            "sandbox",
            severity,
            format!("this system has no complete sandbox for dry runs: {why}"),
        )
    }
}

/// How many of the mended modes are shown.
const MENDED_SHOWN: usize = 5;

/// Modes of the embedded server's files that were wrong, and what was mended.
fn mended_files(reached: &Connection) -> Option<Finding> {
    let (mended, file) = reached.cluster.as_ref()?.mended(MENDED_SHOWN);
    if mended.is_empty() {
        return None;
    }
    Some(Finding {
        why: "Somebody changed the modes or names of the embedded database's files; a tool runs with the same account and can.",
        mend: format!(
            "It is mended. See which tool did it; {} has all of it and may be removed then",
            file.display()
        ),
        ..finding("embedded_files", Severity::Warning, mended.join("; "))
    })
}

/// In the embedded database the first command that needs the contract installs it.
fn installs_itself(finding: &mut Finding) {
    finding.severity = Severity::Fine;
    finding.what = "not installed yet; the first command that needs it installs it".to_owned();
    finding.why = "";
    finding.mend.clear();
}

async fn registry(session: &Context, reached: Connection) -> Vec<Finding> {
    let ledger = match session.ledger_of(reached).await {
        Ok(ledger) => ledger,
        Err(failure) => return vec![of_tools(Err(failure))],
    };
    let tools = ledger.tools().await.map_err(Failure::from);
    let contracts = contracts(session, &ledger).await;
    std::iter::once(of_tools(tools)).chain(contracts).collect()
}

/// What contracts probably lack. A login that may not read them whole is told nothing.
async fn contracts(session: &Context, ledger: &LedgerClient) -> Option<Finding> {
    let warnings = contract_checks::warnings(session, ledger, |_| true)
        .await
        .ok()?;
    (!warnings.is_empty()).then(|| Finding {
        why: "A verifier that is not told where the output is passes or fails something else.",
        mend: "Name {output} in its contract, and set it anew: dotwrap contract set FILE"
            .to_owned(),
        ..finding("contracts", Severity::Warning, warnings.join("; "))
    })
}

fn of_tools(tools: Result<Vec<Tool>, Failure>) -> Finding {
    match tools {
        Ok(tools) if tools.is_empty() => Finding {
            why: "A run can only be recorded of a tool that is registered.",
            mend: "Run: dotwrap tools import FILE, or --sample".to_owned(),
            ..finding(
                "registry",
                Severity::Warning,
                "no DOT is registered".to_owned(),
            )
        },
        Ok(tools) => finding("registry", Severity::Fine, format!("{} DOTs", tools.len())),
        Err(failure) => Finding {
            why: "This login may not read what is registered.",
            mend: "Connect as a member of the reader's role.".to_owned(),
            ..finding("registry", Severity::Problem, failure.message)
        },
    }
}

fn finding(name: &'static str, severity: Severity, what: String) -> Finding {
    Finding {
        name,
        severity,
        what,
        why: "",
        mend: String::new(),
    }
}
