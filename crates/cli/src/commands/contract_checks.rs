//! What contracts are looked at for beyond what the database judges: whether they can be called from here as they stand.

use dotwrap_runner::Runner;
use dotwrap_wrapper::{Contract, Tool};

use super::execution::Executing;
use crate::failure::Failure;
use crate::session::{Ledger, Session};

/// What is found in one contract.
pub(crate) struct Found {
    /// Why a run would be refused from here. It may be meant for another machine.
    pub(crate) refused: Option<String>,
    /// What it probably lacks.
    pub(crate) warnings: Vec<String>,
}

/// Looks at the active contracts that are asked for. Each sentence names its contract.
pub(crate) async fn look(
    session: &Session,
    ledger: &Ledger,
    is_asked_for: impl Fn(&Contract) -> bool,
) -> Result<Vec<Found>, Failure> {
    let mut contracts = ledger.contracts_with_values().await?;
    contracts.retain(|contract| contract.contract_status == "active" && is_asked_for(contract));
    if contracts.is_empty() {
        return Ok(Vec::new());
    }
    let runner = Executing::default().runner(session, ledger)?;
    let tools = ledger.tools().await?;
    let with_tool = contracts.iter().filter_map(|contract| {
        let tool = tools.iter().find(|tool| tool.dot_code == contract.dot_code);
        Some(found(&runner, tool?, contract))
    });
    Ok(with_tool.collect())
}

fn found(runner: &Runner, tool: &Tool, contract: &Contract) -> Found {
    let name = format!("{} {}", contract.dot_code, contract.mode);
    let refused = runner.check(tool, contract).err();
    let warnings = runner.warnings(tool, contract).into_iter();
    Found {
        refused: refused.map(|unusable| {
            let (code, message) = (unusable.code, unusable.message);
            format!("{name} would be refused here: {code}: {message}")
        }),
        warnings: warnings
            .map(|warning| format!("{name}: {warning}"))
            .collect(),
    }
}
