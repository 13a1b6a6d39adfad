//! `dotwrap candidates pairs|pair|unpair`.
use clap::Args;
use dotwrap_wrapper::{CandidateCode, CandidatePair, DotCode, PairChange};
use serde::Serialize;

use crate::commands::ActorArgs;
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::{Cell, CellStyle, Column, format_time};
use crate::session::Context;

/// List which producers' real runs count for which candidate.
///
/// An inferred pair comes from an upgrade, which took it from earlier runs and the registry. It counts until an
/// operator removes it.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only this candidate's
    #[arg(value_name = "CANDIDATE")]
    candidate: Option<String>,
    /// Only those that were inferred and not confirmed
    #[arg(long)]
    inferred: bool,
}

/// A candidate, and a producer that counts for it.
#[derive(Debug, Args)]
struct Pair {
    /// The candidate's code
    #[arg(value_name = "CANDIDATE")]
    candidate: String,
    /// The producer's code
    #[arg(value_name = "PRODUCER")]
    producer: String,
    /// Why; it stays on record
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    acting: ActorArgs,
}

/// Declare that a producer's real runs count for a candidate, or confirm an inferred pair.
#[derive(Debug, Args)]
pub(crate) struct Declare {
    #[command(flatten)]
    pair: Pair,
}

/// Remove a pair: the producer's real runs count for the candidate no more, earlier ones included.
#[derive(Debug, Args)]
pub(crate) struct Remove {
    #[command(flatten)]
    pair: Pair,
}

const COLUMNS: &[Column<CandidatePair>] = &[
    Column::whole("CANDIDATE", |pair| {
        if pair.is_registered {
            Cell::plain(&pair.process_candidate_code)
        } else {
            Cell::toned(
                format!("{} (not registered)", pair.process_candidate_code),
                CellStyle::Caution,
            )
        }
    }),
    Column::whole("PRODUCER", |pair| Cell::plain(&pair.dot_code)),
    Column::whole("STATE", |pair| {
        if pair.is_inferred {
            Cell::toned("inferred, not confirmed", CellStyle::Caution)
        } else {
            Cell::plain("declared")
        }
    }),
    Column::new("BY", |pair| Cell::plain(&pair.declared_by)),
    Column::new("SINCE", |pair| Cell::plain(format_time(pair.declared_at))),
];

/// Lists declared pairs.
pub(super) async fn list(arguments: List, session: &mut Context) -> Result<ExitStatus, Failure> {
    let ledger = session.ledger().await?;
    let mut pairs = match arguments.candidate {
        Some(code) => ledger.candidate_pairs_of(&CandidateCode::new(code)).await?,
        None => ledger.candidate_pairs().await?,
    };
    pairs.retain(|pair| pair.is_inferred || !arguments.inferred);
    let none = if arguments.inferred {
        "no pair is inferred"
    } else {
        "no pair is declared; `dotwrap candidates pair CANDIDATE PRODUCER` declares one"
    };
    session.print_list(&pairs, COLUMNS, none)?;
    if pairs.iter().any(|pair| pair.is_inferred) {
        session.messages.note(
            "`dotwrap candidates pair` confirms an inferred pair, `dotwrap candidates unpair` removes it",
        );
    }
    Ok(ExitStatus::Done)
}

/// What was done to a pair.
#[derive(Debug, Serialize)]
struct Changed {
    process_candidate_code: CandidateCode,
    dot_code: DotCode,
    change: PairChange,
}

/// Declares or confirms a pair.
pub(super) async fn declare(
    arguments: Declare,
    session: &mut Context,
) -> Result<ExitStatus, Failure> {
    change(arguments.pair, true, session).await
}

/// Removes a pair.
pub(super) async fn remove(
    arguments: Remove,
    session: &mut Context,
) -> Result<ExitStatus, Failure> {
    change(arguments.pair, false, session).await
}

async fn change(
    pair: Pair,
    is_declared: bool,
    session: &mut Context,
) -> Result<ExitStatus, Failure> {
    let ledger = session.ledger().await?;
    let actor = session.actor(pair.acting);
    let (candidate, producer) = (
        CandidateCode::new(pair.candidate),
        DotCode::new(pair.producer),
    );
    let (reason, actor) = (pair.reason.as_deref(), Some(&actor));
    let change = if is_declared {
        ledger
            .declare_candidate_pair(&candidate, &producer, reason, actor)
            .await?
    } else {
        ledger
            .remove_candidate_pair(&candidate, &producer, reason, actor)
            .await?
    };
    session
        .messages
        .note(confirmation(change, &candidate, &producer));
    session.output.change(&Changed {
        process_candidate_code: candidate,
        dot_code: producer,
        change,
    })?;
    Ok(ExitStatus::Done)
}

fn confirmation(change: PairChange, candidate: &CandidateCode, producer: &DotCode) -> String {
    match change {
        PairChange::Declared => {
            format!("real runs of {producer} count for {candidate} from now on")
        }
        PairChange::Confirmed => {
            format!("confirmed: real runs of {producer} count for {candidate}")
        }
        PairChange::Kept => format!("real runs of {producer} counted for {candidate} already"),
        PairChange::Removed => format!("real runs of {producer} count for {candidate} no more"),
        PairChange::Absent => {
            format!("{producer} was not declared for {candidate}: nothing changed")
        }
    }
}
