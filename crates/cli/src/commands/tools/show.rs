//! `dotwrap tools show`.

use clap::Args;
use dotwrap_wrapper::{DotCode, Tool};
use serde::Serialize;
use serde_json::Value;

use crate::commands::unknown_dot;
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::{Cell, Sheet, Tone, moment};
use crate::session::Session;

/// Show one tool, its pair and why its verifier checks it.
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
}

/// Shows a tool.
pub(super) async fn execute(
    arguments: Arguments,
    session: &mut Session,
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
    session.output.record(&ShownTool { tool, pair }, |shown| {
        let pair = shown
            .pair
            .as_ref()
            .map(|pair| format!("\n{}", drawn(pair)))
            .unwrap_or_default();
        format!("{}{pair}", drawn(&shown.tool))
    })?;
    Ok(ExitStatus::Done)
}

fn drawn(tool: &Tool) -> String {
    let sheet = Sheet::default()
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
        .maybe("script", tool.script_path.as_ref())
        .line("status", Cell::plain(&tool.status))
        .line("registered", Cell::plain(moment(tool.created_at)));
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
        Cell::toned(&tool.dot_code, Tone::Strong),
        sheet.draw(2)
    )
}

/// A text as it is, a list of texts as the words of a command line, anything else as JSON.
fn readable(value: &Value) -> Cell {
    let words = value
        .as_array()
        .and_then(|items| items.iter().map(Value::as_str).collect::<Option<Vec<_>>>());
    Cell::plain(match (value.as_str(), words) {
        (Some(text), _) => text.to_owned(),
        (None, Some(words)) => words.into_iter().map(quoted).collect::<Vec<_>>().join(" "),
        (None, None) => value.to_string(),
    })
}

fn quoted(word: &str) -> String {
    if word.contains(char::is_whitespace) {
        format!("\"{word}\"")
    } else {
        word.to_owned()
    }
}
