//! From a catalogue into the registry.

use dotwrap_wrapper::{Actor, CandidateCode, Wrapper};

use super::plan::Plan;
use super::{Catalogue, Change, Entry};
use crate::failure::Failure;

impl Catalogue {
    /// Says what an import would do to everything that is named here, refusals included.
    pub(crate) async fn plan(
        &self,
        ledger: &Wrapper,
        actor: Option<&Actor>,
    ) -> Result<Plan, Failure> {
        Plan::of(self, ledger, actor).await
    }

    /// Plans and carries out. Nothing is written where the database refuses a tool.
    pub(crate) async fn register(
        &self,
        ledger: &Wrapper,
        actor: Option<&Actor>,
    ) -> Result<Plan, Failure> {
        let plan = self.plan(ledger, actor).await?;
        self.carry_out(&plan, ledger, actor).await?;
        Ok(plan)
    }

    /// Writes what a plan adds or changes: the tools, all or none, and then what refers to them.
    pub(crate) async fn carry_out(
        &self,
        plan: &Plan,
        ledger: &Wrapper,
        actor: Option<&Actor>,
    ) -> Result<(), Failure> {
        ledger.import_tools(&self.definitions(), actor).await?;
        self.write_what_refers_to_tools(plan, ledger, actor)
            .await
            .map_err(|failure| match failure.hint {
                // Somebody changed the registry since it was compared. What was written is what was asked for.
                None => failure.hint("what stands before it was imported; import again"),
                Some(_) => failure,
            })
    }

    async fn write_what_refers_to_tools(
        &self,
        plan: &Plan,
        ledger: &Wrapper,
        actor: Option<&Actor>,
    ) -> Result<(), Failure> {
        for candidate in written(&self.candidates, &plan.candidates) {
            let code = CandidateCode::new(candidate.code.clone());
            let (title, owner) = (candidate.title.as_deref(), candidate.owner.as_deref());
            ledger.set_candidate(&code, title, owner, actor).await?;
        }
        for fixture in written(&self.fixtures, &plan.fixtures) {
            let (name, sha256) = (&fixture.fixture_ref, fixture.sha256());
            ledger
                .put_fixture(name, &fixture.text, &sha256, actor)
                .await?;
        }
        for contract in written(&self.contracts, &plan.contracts) {
            ledger.set_contract(contract, actor).await?;
        }
        Ok(())
    }
}

/// The entries that the plan adds or changes. What is kept is not written again: the registry's history would say that it
/// was changed.
fn written<'a, Said>(
    entries: &'a [Entry<Said>],
    changes: &'a [Change],
) -> impl Iterator<Item = &'a Said> {
    entries
        .iter()
        .zip(changes)
        .filter(|(_, change)| change.is_written())
        .map(|(entry, _)| &entry.said)
}
