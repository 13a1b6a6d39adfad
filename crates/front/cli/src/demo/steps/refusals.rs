//! What the database refuses to every client. Each line is a call that was made and what it was answered.
use std::time::Duration;

use dotwrap_wrapper::{CandidateCode, DotCode, EvidenceType, Lease, PairCall};
use serde::Serialize;
use serde_json::{Value, json};

use crate::demo::SCHEMA;
use crate::demo::context::DemoContext;
use crate::demo::printer::DemoPrinter;
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::{Cell, CellStyle, Column};

/// A call that was refused.
#[derive(Debug, Serialize)]
struct Refused {
    tried: &'static str,
    code: String,
    message: String,
    exit_status: u8,
}

const COLUMNS: &[Column<Refused>] = &[
    Column::whole("TRIED", |refused| Cell::plain(refused.tried)),
    Column::whole("REFUSED AS", |refused| {
        Cell::toned(&refused.code, CellStyle::Bad)
    }),
    Column::whole("EXIT STATUS", |refused| Cell::plain(refused.exit_status)),
];

/// Tries what must not be, and shows the answers.
pub(in crate::demo) async fn try_all(
    stage: &mut DemoContext,
    narrator: &mut DemoPrinter<'_>,
) -> Result<Value, Failure> {
    let before = stage.wrapper.runs(&Default::default(), 1).await?;
    let mut refused = vec![
        real_run(stage).await?,
        unknown_dot(stage).await?,
        without_actor(stage).await?,
        other_candidate_under_the_key(stage).await?,
        while_somebody_holds_the_lease(stage).await?,
        deleting(stage).await?,
    ];
    refused.extend(deleting_as_the_owner(stage).await?);
    narrator.table(&refused, COLUMNS)?;
    let after = stage.wrapper.runs(&Default::default(), 1).await?;
    let newest = |page: &dotwrap_wrapper::RunPage| page.runs.first().map(|run| run.process_run_id);
    if newest(&before) != newest(&after) {
        return Err(Failure::internal("a refused call left a run behind"));
    }
    narrator.check_passed("no refused call left a row in the ledger; a note of each is kept apart, to be counted and shown")?;
    Ok(json!(refused))
}

fn call(stage: &DemoContext) -> PairCall {
    PairCall::new(stage.producer(), stage.candidate())
}

async fn real_run(stage: &DemoContext) -> Result<Refused, Failure> {
    refused(
        "claim that the tools ran for real",
        stage,
        call(stage)
            .evidence_type(EvidenceType::RealRun)
            .dry_run(false),
    )
    .await
}

async fn unknown_dot(stage: &DemoContext) -> Result<Refused, Failure> {
    refused(
        "record a tool that nobody registered",
        stage,
        PairCall::new(DotCode::new("DOT_NOBODY_KNOWS"), stage.candidate()),
    )
    .await
}

async fn without_actor(stage: &DemoContext) -> Result<Refused, Failure> {
    refused(
        "record without saying who acts",
        stage,
        call(stage).actor(""),
    )
    .await
}

async fn other_candidate_under_the_key(stage: &DemoContext) -> Result<Refused, Failure> {
    let other = PairCall::new(stage.producer(), CandidateCode::new("PROC-CAND:another"));
    refused(
        "use the run's key for another candidate",
        stage,
        other.idempotency_key(stage.key.clone()),
    )
    .await
}

/// A pair of its own: another demonstration at the same time may be recording the pilot pair. It may hold this lease,
/// too, and then somebody does hold it.
async fn while_somebody_holds_the_lease(stage: &DemoContext) -> Result<Refused, Failure> {
    let producer = DotCode::new("DOT_SHA256SUM");
    let lease = stage
        .wrapper
        .acquire_lease(
            Lease::pair_lease_name(&producer),
            "somebody else",
            Duration::from_secs(60),
        )
        .await;
    let pair = PairCall::new(producer, CandidateCode::new("PROC-CAND:integrity:sha256"));
    let outcome = refused("record while somebody else holds the lease", stage, pair).await;
    match lease {
        Ok(lease) => drop(stage.wrapper.release_lease(lease).await?),
        Err(error) if error.refusal().is_some() => {}
        Err(error) => return Err(error.into()),
    }
    outcome
}

async fn refused(
    tried: &'static str,
    stage: &DemoContext,
    call: PairCall,
) -> Result<Refused, Failure> {
    match stage.wrapper.observe_pair(&call).await {
        Ok(record) => Err(Failure::internal(format!(
            "to {tried} was not refused: run {}",
            record.process_run_id
        ))),
        Err(error) if error.refusal().is_none() => Err(error.into()),
        Err(error) => Ok(shown(tried, error.into())),
    }
}

fn shown(tried: &'static str, failure: Failure) -> Refused {
    Refused {
        tried,
        code: failure.code,
        message: failure.message,
        exit_status: failure.status as u8,
    }
}

/// What somebody with psql and the installing login would try. This and the next are the only statements that this
/// program sends by itself: the client library has no way to delete, and that the database has none either is what is
/// to be seen.
async fn deleting(stage: &DemoContext) -> Result<Refused, Failure> {
    statement(
        "delete the runs with SQL",
        stage,
        &format!("DELETE FROM {SCHEMA}.process_run_observation"),
    )
    .await
}

/// The installing login may create roles, and so can make itself the tables' owner. The failed transaction takes that
/// back.
async fn deleting_as_the_owner(stage: &DemoContext) -> Result<Option<Refused>, Failure> {
    let Some(owner) = &stage.owner else {
        return Ok(None);
    };
    let attempt = format!(
        "BEGIN; GRANT \"{owner}\" TO CURRENT_USER; SET LOCAL ROLE \"{owner}\"; DELETE FROM {SCHEMA}.process_run_observation; COMMIT"
    );
    statement("the same, as the tables' owner", stage, &attempt)
        .await
        .map(Some)
}

async fn statement(
    tried: &'static str,
    stage: &DemoContext,
    sql: &str,
) -> Result<Refused, Failure> {
    let client = dotwrap_wrapper::connect(&stage.target).await?;
    match client.batch_execute(sql).await {
        Ok(()) => Err(Failure::internal("the runs of the ledger could be deleted")),
        Err(error) => refused_statement(tried, &error),
    }
}

fn refused_statement(
    tried: &'static str,
    error: &tokio_postgres::Error,
) -> Result<Refused, Failure> {
    let database = error
        .as_db_error()
        .ok_or_else(|| Failure::internal(error.to_string()))?;
    let (code, status) = match database.constraint() {
        Some(code) => (code, ExitStatus::Blocked),
        None => ("not_permitted", ExitStatus::NotPermitted),
    };
    Ok(shown(tried, Failure::new(status, code, database.message())))
}
