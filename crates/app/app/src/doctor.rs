//! What `doctor` finds in an installation: the contract's own diagnosis, the embedded server, the registry. What the
//! machine lacks for executed runs is the command line's.
use dotwrap_contract::{Finding, Severity};
use dotwrap_wrapper::Tool;

use crate::{
    Problem,
    backend::{Backend, Connection, LedgerClient},
    settings::DatabaseChoice,
};

/// What is found, and the ledger where the contract is installed and this login may use it.
#[derive(Debug)]
pub struct Diagnosis {
    /// The findings, in no particular order.
    pub findings: Vec<Finding>,
    /// The ledger.
    pub ledger: Option<LedgerClient>,
}

/// Examines an installation.
///
/// # Errors
/// The database cannot be reached or read.
pub async fn examine(backend: Backend<'_>, mut reached: Connection) -> Result<Diagnosis, Problem> {
    let client = backend.connect(&mut reached).await?;
    let schema = &backend.settings.schema;
    let is_installed = dotwrap_contract::installed(&client, schema)
        .await
        .is_ok_and(|found| found.is_some());
    let mut findings = dotwrap_contract::diagnose(&client, schema).await?;
    drop(client);
    findings.extend(location(&reached));
    findings.extend(mended_files(&reached));
    let mut ledger = None;
    if is_installed {
        match backend.ledger_of(reached).await {
            Ok(client) => {
                findings.push(of_tools(client.tools().await.map_err(Problem::from)));
                ledger = Some(client);
            }
            Err(problem) => findings.push(of_tools(Err(problem))),
        }
    } else if backend.settings.database == DatabaseChoice::Embedded {
        findings
            .iter_mut()
            .filter(|finding| finding.name == "contract")
            .for_each(installs_itself);
    }
    Ok(Diagnosis { findings, ledger })
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

/// How many of the corrections are shown.
const MENDED_SHOWN: usize = 5;

/// Modes and access control lists of the embedded server's files that were wrong, and what was mended.
fn mended_files(reached: &Connection) -> Option<Finding> {
    let (mended, file) = reached.cluster.as_ref()?.mended(MENDED_SHOWN);
    if mended.is_empty() {
        return None;
    }
    Some(Finding {
        why: "Somebody changed the modes, access control lists or names of the embedded database's files; a tool runs with the same account and can.",
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

fn of_tools(tools: Result<Vec<Tool>, Problem>) -> Finding {
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
        Err(problem) => Finding {
            why: "This login may not read what is registered.",
            mend: "Connect as a member of the reader's role.".to_owned(),
            ..finding("registry", Severity::Problem, problem.message)
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
