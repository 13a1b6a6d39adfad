//! `dotwrap candidates ls|set|pairs|pair|unpair`.

mod pairs;
use clap::{Args, Subcommand};
use dotwrap_app::backend::LedgerClient;
use dotwrap_wrapper::{Candidate, CandidateCode};

use crate::commands::ActorArgs;
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::{Cell, Column, format_time};
use crate::session::Context;

/// The processes that runs are evidence for.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the candidates that somebody registered
    Ls,
    /// Register a candidate, or change its title and owner
    Set(Set),
    /// List which producers' real runs count for which candidate
    Pairs(pairs::List),
    /// Declare that a producer's real runs count for a candidate, or confirm an inferred pair
    Pair(pairs::Declare),
    /// Remove a pair: the producer's real runs count for the candidate no more
    Unpair(pairs::Remove),
}

/// Register a candidate, or change its title and owner.
#[derive(Debug, Args)]
pub(crate) struct Set {
    /// The candidate's code
    #[arg(value_name = "CODE")]
    code: String,
    /// Title; unchanged if omitted
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// Owner; '' removes it. Without an owner the candidate is never birth_ready
    #[arg(long, value_name = "NAME")]
    owner: Option<String>,
    #[command(flatten)]
    acting: ActorArgs,
}

/// Lists or registers candidates.
pub(crate) async fn execute(
    command: Command,
    session: &mut Context,
) -> Result<ExitStatus, Failure> {
    match command {
        Command::Ls => list(session).await,
        Command::Set(arguments) => set(arguments, session).await,
        Command::Pairs(arguments) => pairs::list(arguments, session).await,
        Command::Pair(arguments) => pairs::declare(arguments, session).await,
        Command::Unpair(arguments) => pairs::remove(arguments, session).await,
    }
}

const COLUMNS: &[Column<Candidate>] = &[
    Column::whole("CANDIDATE", |candidate| {
        Cell::code(&candidate.process_candidate_code)
    }),
    Column::new("TITLE", |candidate| Cell::plain(&candidate.title)),
    Column::new("OWNER", |candidate| Cell::or_dash(candidate.owner.as_ref())),
    Column::new("REGISTERED", |candidate| {
        Cell::plain(format_time(candidate.created_at))
    }),
];

async fn list(session: &mut Context) -> Result<ExitStatus, Failure> {
    let candidates = session.ledger().await?.candidates().await?;
    session.print_list(
        &candidates,
        COLUMNS,
        "no candidate is registered; one that runs name shows in `dotwrap ladder` all the same",
    )?;
    Ok(ExitStatus::Done)
}

async fn set(arguments: Set, session: &mut Context) -> Result<ExitStatus, Failure> {
    let ledger = session.ledger().await?;
    let actor = session.actor(arguments.acting);
    let code = CandidateCode::new(arguments.code);
    let before = find(&code, &ledger).await?;
    let code = ledger
        .set_candidate(
            &code,
            arguments.title.as_deref(),
            arguments.owner.as_deref(),
            Some(&actor),
        )
        .await?;
    // What it is now, which is not only what was given.
    let now = find(&code, &ledger).await?;
    let done = match before.map(|before| confirmation(&before)) {
        None => "registered",
        Some(before) if Some(&before) == now.as_ref().map(confirmation).as_ref() => {
            "already there:"
        }
        Some(_) => "changed",
    };
    session.messages.note(format!("{done} {code}"));
    if let Some(now) = now {
        session.output.change(&now)?;
    }
    Ok(ExitStatus::Done)
}

async fn find(code: &CandidateCode, ledger: &LedgerClient) -> Result<Option<Candidate>, Failure> {
    let all = ledger.candidates().await?;
    let is_it = |candidate: &Candidate| candidate.process_candidate_code == *code;
    Ok(all.into_iter().find(is_it))
}

/// What is told of a candidate.
fn confirmation(candidate: &Candidate) -> (String, Option<String>) {
    (candidate.title.clone(), candidate.owner.clone())
}
