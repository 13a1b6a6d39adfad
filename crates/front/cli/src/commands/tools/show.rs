//! `dotwrap tools show`.
use clap::Args;
use dotwrap_wrapper::{Contract, DotCode, Tool};
use serde::Serialize;
use serde_json::Value;

use crate::commands::unknown_dot;
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::{Cell, CellStyle, KeyValueList, format_time};
use crate::session::Context;

/// Show one tool, its pair, how they are called and why its verifier checks it.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The tool's code
    #[arg(value_name = "DOT_CODE")]
    dot_code: String,
}

/// A tool beside its pair.
#[derive(Debug, Serialize)]
struct ShownTool {
    tool: Tool,
    pair: Option<Tool>,
    /// The tool's and its pair's.
    contracts: Vec<Contract>,
}

/// Shows a tool.
pub(super) async fn execute(
    arguments: Arguments,
    session: &mut Context,
) -> Result<ExitStatus, Failure> {
    let ledger = session.ledger().await?;
    let dot_code = DotCode::new(arguments.dot_code);
    let tool = ledger
        .tool(&dot_code)
        .await?
        .ok_or_else(|| unknown_dot(&dot_code))?;
    let pair = match &tool.paired_dot {
        Some(code) => ledger.tool(code).await?,
        None => None,
    };
    let mut contracts = ledger.contracts_of(&dot_code).await?;
    if let Some(pair) = &pair {
        contracts.extend(ledger.contracts_of(&pair.dot_code).await?);
    }
    let shown = ShownTool {
        tool,
        pair,
        contracts,
    };
    session.output.record(&shown, |shown| {
        let pair = shown
            .pair
            .as_ref()
            .map(|pair| format!("\n{}", drawn(pair, &shown.contracts)))
            .unwrap_or_default();
        format!("{}{pair}", drawn(&shown.tool, &shown.contracts))
    })?;
    Ok(ExitStatus::Done)
}

fn drawn(tool: &Tool, contracts: &[Contract]) -> String {
    let sheet = KeyValueList::default()
        .line("name", Cell::plain(&tool.name))
        .line("role", Cell::or_dash(tool.pair_role))
        .line("pair", Cell::or_dash(tool.paired_dot.as_ref()))
        .line(
            "tier",
            Cell::plain(if tool.tier == "A" {
                "A: reads and checks"
            } else {
                "B: writes"
            }),
        )
        .line("operation", Cell::plain(&tool.operation))
        .line("engine", Cell::plain(&tool.execution_engine))
        .line("trigger", Cell::plain(&tool.trigger_type))
        .line_if_some("script", tool.script_path.as_ref())
        .line("status", Cell::plain(&tool.status))
        .line("registered", Cell::plain(format_time(tool.created_at)));
    let sheet = contracts
        .iter()
        .filter(|contract| contract.dot_code == tool.dot_code)
        .fold(sheet, |sheet, contract| {
            let mode = contract.mode.to_lowercase().replace('_', " ");
            sheet.line(&mode, Cell::plain(invocation_summary(contract)))
        });
    let sheet = tool
        .extra_metadata
        .as_object()
        .into_iter()
        .flatten()
        .fold(sheet, |sheet, (key, value)| {
            sheet.line(key, readable(value))
        });
    format!(
        "{}\n{}",
        Cell::toned(&tool.dot_code, CellStyle::Strong),
        sheet.draw(2)
    )
}

/// What is called in a contract's mode: its command line, else its endpoint.
fn invocation_summary(contract: &Contract) -> String {
    let argv = contract.invocation.get("argv").and_then(words);
    let what = argv
        .or_else(|| contract.endpoint_ref.clone())
        .unwrap_or_else(|| "nothing".to_owned());
    match contract.contract_status.as_str() {
        "active" => what,
        status => format!("({status}) {what}"),
    }
}

/// A text as it is, a list of texts as the words of a command line, anything else as JSON.
fn readable(value: &Value) -> Cell {
    let text = value.as_str().map(str::to_owned);
    Cell::plain(
        text.or_else(|| words(value))
            .unwrap_or_else(|| value.to_string()),
    )
}

/// A list of texts as the words of a command line.
fn words(value: &Value) -> Option<String> {
    let words = value.as_array()?.iter().map(Value::as_str);
    let words: Option<Vec<_>> = words.map(|word| word.map(quoted)).collect();
    words.map(|words| words.join(" "))
}

fn quoted(word: &str) -> String {
    if word.is_empty() || word.contains(char::is_whitespace) {
        format!("\"{word}\"")
    } else {
        word.to_owned()
    }
}
