//! What `doctor` looks at: the contract's own diagnosis of an installation, and what only this program knows.

use dotwrap_contract::{Finding, Severity};

use crate::configuration::DatabaseChoice;
use crate::failure::Failure;
use crate::session::{Reached, Session};

/// Examines an installation; what matters most comes first.
pub(crate) async fn examine(
    session: &Session,
    mut reached: Reached,
) -> Result<Vec<Finding>, Failure> {
    let client = reached.connect(session).await?;
    let schema = &session.settings.schema;
    let is_installed = dotwrap_contract::installed(&client, schema)
        .await
        .is_ok_and(|found| found.is_some());
    let mut findings = dotwrap_contract::diagnose(&client, schema).await?;
    drop(client);
    findings.extend(place(&reached));
    findings.extend(mended_files(&reached));
    if is_installed {
        findings.push(registry(session, reached).await);
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
fn place(reached: &Reached) -> Option<Finding> {
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

/// How many of the mended modes are shown.
const MENDED_SHOWN: usize = 5;

/// Modes of the embedded server's files that were wrong, and what was mended.
fn mended_files(reached: &Reached) -> Option<Finding> {
    let (mended, file) = reached.cluster.as_ref()?.mended(MENDED_SHOWN);
    if mended.is_empty() {
        return None;
    }
    Some(Finding {
        why: "Somebody changed the modes of the embedded database's files; a tool runs with the same account and can.",
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

async fn registry(session: &Session, reached: Reached) -> Finding {
    let tools = match session.ledger_of(reached).await {
        Ok(ledger) => ledger.tools().await.map_err(Failure::from),
        Err(failure) => Err(failure),
    };
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
