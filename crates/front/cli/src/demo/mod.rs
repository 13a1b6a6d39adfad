//! The guided first run: a list of small steps, each of which makes real calls and shows what came back.

mod context;
mod printer;
mod sandbox;
mod steps;
use context::DemoContext;
use futures_util::future::LocalBoxFuture;
use printer::DemoPrinter;
use serde_json::Value;

use crate::failure::Failure;
use crate::session::Context;

/// The schema of the demonstration, in whatever database: the ledger is insert-only, so a demonstration must never be
/// recorded in somebody's own.
pub(crate) const SCHEMA: &str = "dot_demo";

/// What the names of the demonstration's roles begin with.
const ROLE_PREFIX: &str = "dot_demo";

/// One step: its title, and what it does. It returns its findings, for `--output json`.
struct Step {
    title: &'static str,
    perform: for<'a> fn(
        &'a mut DemoContext,
        &'a mut DemoPrinter<'_>,
    ) -> LocalBoxFuture<'a, Result<Value, Failure>>,
}

/// Boxes the future of an async function, so that steps of different types stand in one list.
macro_rules! step {
    ($title:literal, $perform:path) => {
        Step {
            title: $title,
            perform: |stage, narrator| Box::pin($perform(stage, narrator)),
        }
    };
}

const STEPS: &[Step] = &[
    step!("The gates", steps::gates::show),
    step!("The registry: pairs of tools", steps::registry::import),
    step!("One pair, one correlated record", steps::record::record),
    step!("Its layers", steps::record::layers),
    step!("The same call again", steps::record::again),
    step!("What is refused", steps::refusals::try_all),
    step!("Gates, opened for five minutes", steps::install::open),
    step!("Simulated: nothing is called", steps::executing::simulate),
    step!("A dry run: the tools are called", steps::executing::dry_run),
    step!("Somebody changes the output", steps::executing::tampered),
    step!("The real run", steps::executing::real_run),
    step!("A gate closes while a tool runs", steps::stopping::stop),
    step!("Gates closed again", steps::stopping::close),
    step!("What it is worth", steps::ladder::show),
    step!("An independent check", steps::check::verify),
];

/// Sets the stage, performs every step and says where to look next.
pub(crate) async fn perform(session: &mut Context) -> Result<(), Failure> {
    let began = std::time::Instant::now();
    let mut narrator = DemoPrinter::new(&mut session.output, STEPS.len() + 1);
    narrator.opening()?;
    narrator.heading("A database, and the contract in it")?;
    let (mut stage, found) =
        DemoContext::set(&session.settings, session.messages, &mut narrator).await?;
    narrator.add_findings("A database, and the contract in it", found)?;
    let performed = perform_steps(&mut stage, &mut narrator).await;
    let closed = stage.workshop.close_gates().await;
    performed.and(closed)?;
    narrator.closing(began.elapsed())
}

async fn perform_steps(
    stage: &mut DemoContext,
    narrator: &mut DemoPrinter<'_>,
) -> Result<(), Failure> {
    for step in STEPS {
        narrator.heading(step.title)?;
        let found = (step.perform)(stage, narrator).await?;
        narrator.add_findings(step.title, found)?;
        stage.workshop.check_interrupt()?;
    }
    Ok(())
}
