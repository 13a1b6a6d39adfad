//! The independent judge.
use dotwrap_verify::VerifyOptions;
use serde_json::{Value, json};

use crate::demo::SCHEMA;
use crate::demo::context::DemoContext;
use crate::demo::printer::DemoPrinter;
use crate::failure::Failure;

/// Lets the judge read the ledger, which shares no code with what wrote it.
pub(in crate::demo) async fn verify(
    stage: &mut DemoContext,
    narrator: &mut DemoPrinter<'_>,
) -> Result<Value, Failure> {
    let mut client = dotwrap_wrapper::connect(&stage.target).await?;
    let options = VerifyOptions {
        schema: SCHEMA.to_owned(),
        ..VerifyOptions::default()
    };
    let report = dotwrap_verify::verify(&mut client, &options).await?;
    narrator.command("verify")?;
    narrator.paragraph("the judge reads the raw tables and shares no code with what wrote them")?;
    if !report.is_clean() {
        let broken: Vec<&str> = report.failed().map(|check| check.name).collect();
        return Err(Failure::internal(format!(
            "the ledger breaks the rules {}; `dotwrap --schema {SCHEMA} verify` says how",
            broken.join(", ")
        )));
    }
    narrator.check_passed(&format!("{} rules hold, no violation", report.checks.len()))?;
    Ok(
        json!({ "rules": report.checks.len(), "violations": report.violations(), "warnings": report.warnings() }),
    )
}
