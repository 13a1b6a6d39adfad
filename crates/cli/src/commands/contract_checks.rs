//! What active contracts probably lack, wherever they are run.

use dotwrap_wrapper::Contract;

use super::execution::ExecutionArgs;
use crate::failure::Failure;
use crate::session::{Context, LedgerClient};

/// Warns of the active contracts that are asked for. Each sentence names its contract.
pub(crate) async fn warnings(
    session: &Context,
    ledger: &LedgerClient,
    is_asked_for: impl Fn(&Contract) -> bool,
) -> Result<Vec<String>, Failure> {
    let mut contracts = ledger.contracts_with_values().await?;
    contracts.retain(|contract| contract.contract_status == "active" && is_asked_for(contract));
    if contracts.is_empty() {
        return Ok(Vec::new());
    }
    let runner = ExecutionArgs::default().runner(session, ledger)?;
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
