//! Whole catalogues: tools, candidates, fixtures and contracts that are registered together, or not at all.

use serde::{Deserialize, Serialize};

use super::{ImportAction, ToolDefinition};
use crate::{
    Wrapper,
    database::Call,
    error::Error,
    types::{Actor, text_enum},
};
use dotwrap_types::{Contract, ContractDefinition};

/// A candidate that is to be registered. None leaves what is there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CandidateDefinition {
    /// Its code.
    pub code: String,
    /// What people call it.
    pub title: Option<String>,
    /// Who answers for it; a blank text takes the owner away.
    pub owner: Option<String>,
}

/// A fixture that is to be stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FixtureDefinition {
    /// What it is called by.
    pub fixture_ref: String,
    /// Its text, JSON.
    pub body: String,
    /// The SHA-256 of the text, in lower-case hex.
    pub sha256: String,
}

/// Everything that is to be registered together. The database judges it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct CatalogueDefinition {
    /// The DOTs.
    pub tool: Vec<ToolDefinition>,
    /// The candidates.
    pub candidate: Vec<CandidateDefinition>,
    /// The fixtures.
    pub fixture: Vec<FixtureDefinition>,
    /// The contracts.
    pub contract: Vec<ContractDefinition>,
}

text_enum! {
    /// What a catalogue can name.
    pub enum CatalogueKind {
        /// A DOT.
        Tool,
        /// A candidate.
        Candidate,
        /// A fixture.
        Fixture,
        /// A contract.
        Contract,
    }
}

/// What an import does, or would do, to one entry of a catalogue.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct CatalogueChange {
    /// What it is.
    pub kind: CatalogueKind,
    /// Its number among the entries of its kind, from 1.
    pub entry: usize,
    /// The DOT's or candidate's code, the fixture's name, the contract's DOT and mode.
    pub name: String,
    /// The DOT, of a DOT or a contract.
    pub dot_code: Option<String>,
    /// The action.
    pub action: ImportAction,
    /// The columns that change, or why it is refused or skipped.
    pub detail: Option<String>,
    /// The code of the refusal.
    pub code: Option<String>,
    /// A warning about an accepted entry.
    pub warning: Option<String>,
    /// The contract as it is kept, with the values of its variables; none where it is refused.
    pub contract: Option<Contract>,
    /// What calls the contract's DOT.
    pub execution_engine: Option<String>,
}

impl Wrapper {
    /// Imports a whole catalogue, all or nothing, and returns the result of each entry: DOTs first, then candidates,
    /// fixtures and contracts. The reason stands in the history of the contracts that change.
    ///
    /// # Errors
    /// Refused with the code of the first refused entry, `actor_required` or `busy`; nothing is written then.
    /// [`Error::NotPermitted`] for a login that is no operator.
    pub async fn import_catalogue(
        &self,
        catalogue: &CatalogueDefinition,
        actor: Option<&Actor>,
        reason: Option<&str>,
    ) -> Result<Vec<CatalogueChange>, Error> {
        self.send_catalogue(catalogue, actor, reason, false).await
    }

    /// Says what an import would do to each entry, refusals included, and writes nothing.
    ///
    /// # Errors
    /// Refused as `actor_required` or `busy`; see [`Error`].
    pub async fn plan_catalogue(
        &self,
        catalogue: &CatalogueDefinition,
        actor: Option<&Actor>,
    ) -> Result<Vec<CatalogueChange>, Error> {
        self.send_catalogue(catalogue, actor, None, true).await
    }

    async fn send_catalogue(
        &self,
        catalogue: &CatalogueDefinition,
        actor: Option<&Actor>,
        reason: Option<&str>,
        dry_run: bool,
    ) -> Result<Vec<CatalogueChange>, Error> {
        let answer = |error: serde_json::Error| Error::Answer(error.to_string());
        // Taking the same catalogue twice keeps it.
        let call = Call::to("fn_dot_catalogue_import")
            .with(
                "p_catalogue",
                serde_json::to_value(catalogue).map_err(answer)?,
            )
            .with("p_actor", self.actor_or_default(actor))
            .with("p_dry_run", dry_run)
            .with("p_reason", reason)
            .idempotent();
        let plan: serde_json::Value = self.database.value(&call).await?;
        serde_json::from_value(plan).map_err(answer)
    }
}
