//! What `doctor` looks at: the contract's own diagnosis of an installation, and what only this program knows.

use std::path::PathBuf;

use dotwrap_contract::{Finding, Severity};
use dotwrap_exec::{contract_warnings, disk_findings, sandbox_finding};
use dotwrap_wrapper::Tool;

use crate::commands::execution::{ExecutionArgs, data_folder, run_folders};
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
    findings.push(sandbox_finding(session.settings.require_sandbox));
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

/// The file systems that this program and its embedded server write to, where they are nearly full.
fn disks(session: &Context, reached: &Connection) -> Vec<Finding> {
    let runs = run_folders(None, &session.settings).ok();
    let runs = runs.map(|runs| ("the runs' folder", PathBuf::from(runs.root())));
    let data = reached.cluster.as_ref();
    let data = data.map(|cluster| ("the embedded server", PathBuf::from(cluster.folder())));
    let home = data_folder(session.settings.home.as_ref()).ok();
    let home = home.map(|home| ("dotwrap's data folder", home));
    disk_findings([runs, data, home].into_iter().flatten())
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
    let runner = ExecutionArgs::default().runner(session, ledger).ok()?;
    let warnings = contract_warnings(ledger, &runner, |_| true).await.ok()?;
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
