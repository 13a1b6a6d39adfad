//! What an import does to each entry of a catalogue, as the database says it; and what it may not take, because what
//! would call the tool does not understand the contract.
use dotwrap_app::Problem;
use dotwrap_wrapper::{
    Actor, CatalogueChange, CatalogueKind, Contract, ErrorClass, ImportAction, Wrapper,
};
use serde_json::json;

use crate::Catalogue;

/// What is done, or would be done, to everything that a catalogue names.
#[derive(Debug)]
pub struct Plan(Vec<CatalogueChange>);

/// Why an engine cannot call a contract.
#[derive(Clone, Debug)]
pub struct UncallableContract {
    /// The stable code.
    pub code: String,
    /// What was wrong.
    pub message: String,
}

impl Catalogue {
    /// Says what an import would do to everything that is named here, refusals included.
    pub async fn plan(&self, ledger: &Wrapper, actor: &Actor) -> Result<Plan, Problem> {
        let definition = self.definition();
        let planned = ledger.plan_catalogue(&definition, Some(actor)).await?;
        Ok(Plan(planned))
    }

    /// Imports it: all or nothing. The reason stands in the history of the contracts that change.
    pub async fn register(
        &self,
        ledger: &Wrapper,
        actor: Option<&Actor>,
        reason: Option<&str>,
    ) -> Result<Plan, Problem> {
        let definition = self.definition();
        let imported = ledger.import_catalogue(&definition, actor, reason).await?;
        Ok(Plan(imported))
    }
}

impl Plan {
    /// Every change, in the order in which it is made.
    pub fn changes(&self) -> &[CatalogueChange] {
        &self.0
    }

    /// Refuses active contracts that their engine cannot call: `check` gets the engine and the contract. Whether this
    /// machine has the programs does not matter: a catalogue may be another machine's.
    #[must_use]
    pub fn refusing_invocations(
        mut self,
        check: impl Fn(&str, &Contract) -> Result<(), UncallableContract>,
    ) -> Self {
        for change in &mut self.0 {
            let (Some(contract), Some(engine)) = (&change.contract, &change.execution_engine)
            else {
                continue;
            };
            if let Err(refusal) = check(engine, contract) {
                change.action = ImportAction::Refuse;
                change.code = Some(refusal.code);
                change.detail = Some(refusal.message);
            }
        }
        self
    }

    /// How many things of a kind an action is for.
    pub fn count(&self, kind: CatalogueKind, action: ImportAction) -> usize {
        let is_counted = |change: &&CatalogueChange| change.kind == kind && change.action == action;
        self.0.iter().filter(is_counted).count()
    }

    /// The problem of what this plan is of, if anything is refused: each refused entry is named with its place. Nothing
    /// was `done` then.
    pub fn refusal(&self, catalogue: &Catalogue, done: &str, hint: &str) -> Option<Problem> {
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
        let problem = Problem::new(ErrorClass::Argument, code, message);
        Some(problem.hint(hint).detail(json!({ "refused": entries })))
    }
}
