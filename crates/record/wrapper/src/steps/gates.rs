//! Gate 1 and gate 2, in the same order as in `observe_pair`.

use serde_json::json;

use super::{
    PreflightPassed,
    context::{PairContext, about},
};
use crate::{
    RefusalCode, Wrapper,
    error::Error,
    gate,
    pair::PairCall,
    types::{ComponentRole, DotCode, EvidenceType, Posture},
};

impl Wrapper {
    /// The gates and the preflight for a pair's run. Nothing is held and nothing is written.
    ///
    /// # Errors
    /// Refused as [`Wrapper::observe_pair`] would refuse, as far as the gates and the preflight go; the
    /// arguments themselves are judged by the layers that write them.
    pub async fn enter(&self, call: PairCall) -> Result<PreflightPassed, Error> {
        let correlation = call.correlation();
        let passed = self.pass_gates(&call).await;
        let (verifier, posture) = self
            .recording_refusal(about(self, &call, &correlation), passed)
            .await?;
        let stored = call.wrapper_status.stored(call.evidence_type);
        let wrapper = self.clone();
        Ok(PreflightPassed {
            context: PairContext {
                wrapper,
                call,
                correlation,
                verifier,
                posture,
                stored,
            },
        })
    }

    /// In the same order as `observe_pair`: arguments, the pair, gate 1, gate 2.
    async fn pass_gates(&self, call: &PairCall) -> Result<(DotCode, Posture), Error> {
        self.effective_evidence(call).await?;
        let verifier = self.verifier_of(&call.dot_code).await?;
        let posture = self.posture().await?;
        self.pass_evidence_gate(call, posture).await?;
        self.assert_safe().await?;
        Ok((verifier, posture))
    }

    /// A prepared run claims nothing, whatever evidence type was requested.
    async fn effective_evidence(&self, call: &PairCall) -> Result<(), Error> {
        let (code, message) = match call.wrapper_status.effective_evidence(call.evidence_type) {
            EvidenceType::BackfilledEvidence => (
                RefusalCode::BackfillOnly,
                "BACKFILLED_EVIDENCE comes in through a backfill alone",
            ),
            EvidenceType::RealRun if call.dry_run => (
                RefusalCode::DryRunContradiction,
                "REAL_RUN and a dry run contradict each other",
            ),
            _ => return Ok(()),
        };
        Err(self.refuse(code, message.to_owned(), json!({})).await)
    }

    async fn verifier_of(&self, producer: &DotCode) -> Result<DotCode, Error> {
        let refused =
            |code, message: String| self.refuse(code, message, json!({ "dot_code": producer }));
        let Some(tool) = self.tool(producer).await? else {
            return Err(refused(
                RefusalCode::UnknownDot,
                format!("there is no DOT '{producer}'"),
            )
            .await);
        };
        match (tool.pair_role, tool.paired_dot) {
            (Some(ComponentRole::Producer), Some(verifier)) => Ok(verifier),
            (Some(ComponentRole::Verifier), _) => Err(refused(
                RefusalCode::NotAProducer,
                format!("{producer} is the verifier of its pair"),
            )
            .await),
            _ => Err(refused(
                RefusalCode::PairIncomplete,
                format!("{producer} has no verifier"),
            )
            .await),
        }
    }

    /// The wrapper records and cannot invoke: evidence of an execution never passes here. The refusal follows the
    /// contract's precedence.
    async fn pass_evidence_gate(&self, call: &PairCall, posture: Posture) -> Result<(), Error> {
        let evidence = call.wrapper_status.effective_evidence(call.evidence_type);
        let code = match (evidence, posture) {
            (EvidenceType::SimulatedDryRun | EvidenceType::BackfilledEvidence, _) => return Ok(()),
            (EvidenceType::RealRun, Posture::RealRun)
            | (EvidenceType::DryRun, Posture::RealRun | Posture::DryRunOnly) => {
                RefusalCode::InvocationRequired
            }
            (EvidenceType::DryRun, Posture::NoExecute) => RefusalCode::NoExecute,
            (EvidenceType::RealRun, Posture::NoExecute) if self.real_run_gate_is_open().await? => {
                RefusalCode::NoExecute
            }
            (EvidenceType::RealRun, Posture::NoExecute | Posture::DryRunOnly) => {
                RefusalCode::RealRunDisabled
            }
        };
        let message = format!("a {evidence} pair is refused: the posture is {posture}");
        Err(self
            .refuse(code, message, json!({ "posture": posture }))
            .await)
    }

    async fn real_run_gate_is_open(&self) -> Result<bool, Error> {
        let gates = self.gates().await?;
        Ok(gates
            .iter()
            .any(|gate| gate.key == gate::REAL_RUN_ENABLED && gate.open))
    }
}
