//! What an import does to each thing that a catalogue names, found out before anything is written.
//!
//! Tools are judged by the database. What it has no dry run for is judged here by the same rules, so that an import which
//! would be refused halfway is refused before it begins. The database judges again when it is written.

mod candidate;
mod contract;
mod fixture;
mod refused;

use dotwrap_wrapper::{Actor, ImportAction, ToolChange, Wrapper};
use serde::Serialize;
use strum::Display;

use super::Catalogue;
use crate::failure::Failure;
use refused::Refused;

/// What a catalogue can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, Serialize)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Tool,
    Candidate,
    Fixture,
    Contract,
}

/// What is done, or would be done, to one thing.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Change {
    pub(crate) kind: Kind,
    /// The tool's or candidate's code, the fixture's name, the contract's tool and mode.
    pub(crate) name: String,
    /// The tool, of a tool or a contract.
    pub(crate) dot_code: Option<String>,
    pub(crate) action: ImportAction,
    /// What changes, or why it is refused.
    pub(crate) detail: Option<String>,
    /// The code of the refusal.
    #[serde(skip)]
    pub(crate) code: Option<&'static str>,
}

/// What an import does to everything that its catalogue names, each list in the catalogue's order.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(super) tools: Vec<Change>,
    pub(super) candidates: Vec<Change>,
    pub(super) fixtures: Vec<Change>,
    pub(super) contracts: Vec<Change>,
}

impl Plan {
    /// Compares a catalogue with what is registered.
    pub(crate) async fn of(
        catalogue: &Catalogue,
        ledger: &Wrapper,
        actor: Option<&Actor>,
    ) -> Result<Self, Failure> {
        let tools = ledger.plan_import(&catalogue.definitions(), actor).await?;
        let fixtures = ledger.fixtures().await?;
        let known = contract::Known::of(catalogue, &ledger.tools().await?, &fixtures);
        let (candidates, contracts) = (
            ledger.candidates().await?,
            ledger.contracts_with_values().await?,
        );
        Ok(Self {
            tools: tools.into_iter().map(Change::of_tool).collect(),
            candidates: said(&catalogue.candidates)
                .map(|entry| candidate::change(entry, &candidates))
                .collect(),
            fixtures: said(&catalogue.fixtures)
                .map(|entry| fixture::change(entry, &fixtures))
                .collect(),
            contracts: said(&catalogue.contracts)
                .map(|entry| contract::change(entry, &known, &contracts))
                .collect(),
        })
    }

    /// Every change, in the order in which it is made.
    pub(crate) fn changes(&self) -> impl Iterator<Item = &Change> {
        [
            &self.tools,
            &self.candidates,
            &self.fixtures,
            &self.contracts,
        ]
        .into_iter()
        .flatten()
    }

    /// What can not be taken.
    pub(crate) fn refused(&self) -> Vec<&Change> {
        self.changes()
            .filter(|change| change.action == ImportAction::Refuse)
            .collect()
    }

    /// How many things of a kind an action is for.
    pub(crate) fn count(&self, kind: Kind, action: ImportAction) -> usize {
        self.changes()
            .filter(|change| change.kind == kind && change.action == action)
            .count()
    }
}

impl Change {
    /// Whether there is anything to write.
    pub(super) fn is_written(&self) -> bool {
        matches!(self.action, ImportAction::Add | ImportAction::Change)
    }

    fn of_tool(change: ToolChange) -> Self {
        Self {
            kind: Kind::Tool,
            name: change.dot_code.clone(),
            dot_code: Some(change.dot_code),
            action: change.action,
            detail: change.detail,
            code: (change.action == ImportAction::Refuse).then_some("tool_invalid"),
        }
    }

    /// The change of something that is not there, or differs in these columns, or can not be taken.
    fn found(
        kind: Kind,
        name: impl Into<String>,
        judged: Result<(), Refused>,
        differences: Option<Vec<&str>>,
    ) -> Self {
        let (action, detail, code) = match (judged, differences) {
            (Err(refused), _) => (ImportAction::Refuse, Some(refused.why), Some(refused.code)),
            (Ok(()), None) => (ImportAction::Add, None, None),
            (Ok(()), Some(differences)) if differences.is_empty() => {
                (ImportAction::Keep, None, None)
            }
            (Ok(()), Some(differences)) => {
                (ImportAction::Change, Some(differences.join(", ")), None)
            }
        };
        Self {
            kind,
            name: name.into(),
            dot_code: None,
            action,
            detail,
            code,
        }
    }
}

fn said<Said>(entries: &[super::Entry<Said>]) -> impl Iterator<Item = &Said> {
    entries.iter().map(|entry| &entry.said)
}

/// The names of the columns that differ.
fn differing<'a>(columns: impl IntoIterator<Item = (&'a str, bool)>) -> Vec<&'a str> {
    columns
        .into_iter()
        .filter_map(|(name, differs)| differs.then_some(name))
        .collect()
}
