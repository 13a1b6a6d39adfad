//! From a catalogue into the registry.

use dotwrap_wrapper::{Actor, CandidateCode, ToolChange, Wrapper};

use super::Catalogue;
use crate::failure::Failure;

impl Catalogue {
    /// Imports the tools, all or none, and then registers the candidates. Says what became of each tool.
    pub(crate) async fn register(
        &self,
        ledger: &Wrapper,
        actor: Option<&Actor>,
    ) -> Result<Vec<ToolChange>, Failure> {
        let changes = ledger.import_tools(&self.definitions(), actor).await?;
        for candidate in &self.candidates {
            let code = CandidateCode::new(candidate.code.clone());
            ledger
                .set_candidate(
                    &code,
                    candidate.title.as_deref(),
                    candidate.owner.as_deref(),
                    actor,
                )
                .await?;
        }
        Ok(changes)
    }
}
