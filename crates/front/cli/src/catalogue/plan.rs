//! What an import does to each entry of a catalogue, as the database says it; and what it may not take, because what would call
//! the tool does not understand the contract.

use dotwrap_exec::check_invocation;
use dotwrap_wrapper::{Actor, CatalogueChange, CatalogueKind, ImportAction, Wrapper};
use serde_json::json;

use super::Catalogue;
use crate::exit_status::ExitStatus;
use crate::failure::Failure;

/// What is done, or would be done, to everything that a catalogue names.
#[derive(Debug)]
pub(crate) struct Plan(Vec<CatalogueChange>);

impl Catalogue {
    /// Says what an import would do to everything that is named here, refusals included.
    pub(crate) async fn plan(&self, ledger: &Wrapper, actor: &Actor) -> Result<Plan, Failure> {
        let definition = self.definition();
        let planned = ledger.plan_catalogue(&definition, Some(actor)).await?;
        Ok(Plan(planned))
    }

    /// Imports it: all or nothing.
    pub(crate) async fn register(
        &self,
        ledger: &Wrapper,
        actor: Option<&Actor>,
    ) -> Result<Plan, Failure> {
        let definition = self.definition();
        let imported = ledger.import_catalogue(&definition, actor).await?;
        Ok(Plan(imported))
    }
}

impl Plan {
    /// Every change, in the order in which it is made.
    pub(crate) fn changes(&self) -> &[CatalogueChange] {
        &self.0
    }

    /// Refuses active contracts whose `invocation` the engines do not understand, or that open the whole file system to a dry run. Whether this machine has what they call
    /// does not matter: a catalogue may be another machine's.
    pub(crate) fn refusing_invocations(mut self) -> Result<Self, Failure> {
        for change in &mut self.0 {
            let (Some(contract), Some(engine)) = (&change.contract, &change.execution_engine)
            else {
                continue;
            };
            if let Err(refusal) = check_invocation(engine, contract) {
                change.action = ImportAction::Refuse;
                change.code = Some(refusal.code);
                change.detail = Some(refusal.message);
            }
        }
        Ok(self)
    }

    /// How many things of a kind an action is for.
    pub(crate) fn count(&self, kind: CatalogueKind, action: ImportAction) -> usize {
        let is_counted = |change: &&CatalogueChange| change.kind == kind && change.action == action;
        self.0.iter().filter(is_counted).count()
    }

    /// The failure of what this plan is of, if anything is refused: each refused entry is named with its place. Nothing was
    /// `done` then.
    pub(crate) fn refusal(&self, catalogue: &Catalogue, done: &str, hint: &str) -> Option<Failure> {
        let refused = self.0.iter();
        let refused: Vec<_> = refused
            .filter(|change| change.action == ImportAction::Refuse)
            .collect();
        // The changes come in the order in which they would be made, so the others may follow from the first.
        let code = refused.first()?.code.as_deref().unwrap_or("tool_invalid");
        let place = |change: &CatalogueChange| {
            let place = catalogue.location_of(change.kind, change.entry);
            place.unwrap_or("?").to_owned()
        };
        let reasons: Vec<_> = refused
            .iter()
            .map(|change| {
                let reason = change.detail.as_deref().unwrap_or("refused");
                format!("{}: {}: {reason}", place(change), change.name)
            })
            .collect();
        let entries: Vec<_> = refused
            .iter()
            .map(|change| {
                json!({
                    "kind": change.kind,
                    "name": change.name,
                    "dot_code": change.dot_code,
                    "place": place(change),
                    "code": change.code,
                    "reason": change.detail,
                })
            })
            .collect();
        let message = format!("nothing was {done}: {}", reasons.join("; "));
        let failure = Failure::new(ExitStatus::Usage, code, message);
        Some(failure.hint(hint).detail(json!({ "refused": entries })))
    }
}
