//! A run as a timeline of the layers that it passed, in the order of the design's drawing.
//!
//! Everything shown is a value of the ledger; what the ledger does not keep is said to be unknown, not guessed.

mod call;
mod layer;
mod stop;

use dotwrap_wrapper::{
    Component, ComponentRole, Event, EvidenceType, Lease, Receipt, ReceiptState, Run, StoredStatus,
    Wrapper,
};
use serde::Serialize;

pub use layer::Layer;

use crate::{Label, Problem, Tone, format_duration, labels};

/// A run with everything that was recorded of it.
#[derive(Debug, Serialize)]
pub struct RunDetail {
    /// Header and effective status.
    pub run: Run,
    /// Producer, then verifier.
    pub components: Vec<Component>,
    /// The calls that it was allowed to make, in the same order; an executed run's alone.
    pub receipts: Vec<Receipt>,
    /// What went into the outbox.
    pub events: Vec<Event>,
}

impl RunDetail {
    /// Reads everything that was recorded of a run.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub async fn load(run: Run, ledger: &Wrapper) -> Result<Self, Problem> {
        let id = run.process_run_id;
        let receipts = match run.lease_name {
            Some(_) => ledger.receipts_of(id).await?,
            None => Vec::new(),
        };
        Ok(Self {
            components: ledger.components_of(id).await?,
            receipts,
            events: ledger.events_of_run(id).await?,
            run,
        })
    }

    /// How far the sandbox held while a component was called, if it was.
    pub fn sandbox_of(&self, component: &Component) -> Option<String> {
        call::sandbox(&component.evidence_ref["sandbox"])
    }

    /// Producer and verifier, as recorded or as called.
    pub fn pair(&self) -> Label {
        let code = |role| {
            let recorded = self.part(role).map(|component| &component.dot_code);
            let called = self.receipt(role).map(|receipt| &receipt.dot_code);
            recorded.or(called).map(ToString::to_string)
        };
        let producer = code(ComponentRole::Producer)
            .or_else(|| self.run.dot_code.as_ref().map(ToString::to_string));
        let side = |code: Option<String>| code.unwrap_or_else(|| "(not recorded)".to_owned());
        Label::toned(
            format!(
                "{} → {}",
                side(producer),
                side(code(ComponentRole::Verifier))
            ),
            Tone::Strong,
        )
    }

    /// What the run proves. A header claims nothing: what a run is worth is what its components are.
    pub fn evidence_level(&self) -> Label {
        match self
            .components
            .iter()
            .map(|component| component.evidence_type)
            .max_by_key(|kind| evidence_rank(*kind))
        {
            Some(kind) => labels::evidence(kind),
            None => Label::toned("HEADER ONLY — claims nothing", Tone::Caution),
        }
    }

    fn part(&self, role: ComponentRole) -> Option<&Component> {
        self.components
            .iter()
            .find(|component| component.component_role == role)
    }

    fn receipt(&self, role: ComponentRole) -> Option<&Receipt> {
        self.receipts
            .iter()
            .find(|receipt| receipt.component_role == role)
    }

    /// The layers that it passed, in the order of the design.
    pub fn layers(&self) -> Vec<Layer> {
        let mut layers = vec![self.gate(), self.preflight(), self.lease(), self.header()];
        layers.push(self.component("PRODUCER", ComponentRole::Producer));
        layers.push(self.component("VERIFIER", ComponentRole::Verifier));
        layers.extend(self.conclusion());
        layers.push(self.outbox());
        layers.extend(self.release());
        layers
    }

    /// Begun by a runner, with a receipt for its producer.
    fn is_executed(&self) -> bool {
        self.run.lease_name.is_some()
    }

    fn is_concluded(&self) -> bool {
        self.run.concluded_at.is_some()
    }

    fn evidence(&self, name: &str) -> Option<&str> {
        self.run.evidence_ref.get(name)?.as_str()
    }

    fn gate(&self) -> Layer {
        let layer = Layer::new("GATE", Tone::Good);
        if self.is_executed() {
            // The posture that a concluded run's evidence names is that of its conclusion.
            let posture = self.receipt(ComponentRole::Producer).map_or_else(
                || "not on record".to_owned(),
                |receipt| receipt.posture.to_string(),
            );
            let layer =
                layer.headline(Label::plain(format!("posture {posture} when it was begun")));
            let is_void = self
                .receipts
                .iter()
                .any(|receipt| receipt.state == ReceiptState::Void);
            return match is_void {
                true => layer.headline(Label::toned(
                    "closed before the receipt was committed",
                    Tone::Bad,
                )),
                false => layer,
            };
        }
        let posture = self.evidence("posture").unwrap_or("not on record");
        let is_simulated = self.run.evidence_ref.get("no_execute") == Some(&true.into());
        let layer = layer.headline(Label::plain(format!("posture {posture}")));
        if is_simulated {
            layer.headline(Label::plain("nothing was executed"))
        } else {
            layer
        }
    }

    fn preflight(&self) -> Layer {
        Layer::new("PREFLIGHT", Tone::Faint).headline(Label::toned(
            "not on record: where a check blocks, no run is written",
            Tone::Faint,
        ))
    }

    fn lease(&self) -> Layer {
        let layer = Layer::new("LEASE", Tone::Good);
        if let Some(name) = &self.run.lease_name {
            let holder = self.run.lease_holder.as_ref().map_or_else(
                || self.unheld().to_owned(),
                |holder| format!("held by {holder}"),
            );
            return layer
                .headline(Label::plain(name))
                .headline(Label::plain(holder));
        }
        match (&self.run.dot_code, self.is_one_transaction()) {
            (Some(producer), true) => layer
                .headline(Label::plain(Lease::pair_lease_name(producer)))
                .headline(Label::plain("held while the run was recorded")),
            _ => layer.headline(Label::toned(
                "not on record: only an executed run is bound to its lease",
                Tone::Faint,
            )),
        }
    }

    fn unheld(&self) -> &'static str {
        if self.is_concluded() {
            "not held any more"
        } else {
            "held by nobody: its runner is gone, and `dotwrap reap` concludes it"
        }
    }

    fn header(&self) -> Layer {
        let run = &self.run;
        let concluded = self.is_concluded();
        Layer::new("HEADER", tone_of(run.header_status))
            .at(Some(run.created_at))
            .headline(labels::status(run.header_status))
            .headline(labels::evidence_word(run.evidence_type))
            .field("run", Some(run.process_run_id))
            .field(
                "candidate",
                Some(Label::code(&run.process_candidate_code).text),
            )
            .field("correlation", Some(&run.correlation_id))
            .field("key", run.idempotency_key.as_ref())
            .field("attempt", Some(run.attempt).filter(|attempt| *attempt > 1))
            .field("first attempt", run.attempt_of)
            .field(
                "claims",
                Some(run.header_evidence_type).filter(|claimed| *claimed != run.evidence_type),
            )
            .field("part of", run.parent_run_id)
            .field("stopped by", stop::by(run))
            .field(
                "actor",
                Some(format!("{} (login {})", run.actor, run.recorded_by)),
            )
            .field("input", run.input_ref.as_ref())
            .field("output", run.output_ref.as_ref().filter(|_| !concluded))
            .field("error", run.error_ref.as_ref().filter(|_| !concluded))
            .field("took", self.took().filter(|_| !concluded))
            .field("runner", self.evidence("runner"))
            .field("phase", self.evidence("wrapper_phase"))
            .field("source", self.evidence("source_ref"))
    }

    fn took(&self) -> Option<String> {
        let took = self.run.duration?.as_duration();
        (!took.is_zero()).then(|| format_duration(took))
    }

    fn component(&self, name: &'static str, role: ComponentRole) -> Layer {
        let Some(component) = self.part(role) else {
            return self.not_recorded(name, role);
        };
        let layer = Layer::new(name, tone_of(component.status))
            .at(Some(component.created_at))
            .headline(Label::code(&component.dot_code))
            .headline(labels::status(component.status))
            .headline(labels::evidence_word(component.evidence_type))
            .field("component", Some(component.component_run_id))
            .field("receipt", component.invocation_id);
        let layer = match component.invocation_id {
            Some(_) => match call::lacks(component) {
                Some(lacks) => call::add_facts(
                    layer.headline(Label::toned(lacks, Tone::Caution)),
                    &component.evidence_ref,
                ),
                None => call::add_facts(layer, &component.evidence_ref),
            },
            None => layer,
        };
        let layer = layer
            .field(
                "output",
                component
                    .output_ref
                    .as_ref()
                    .filter(|_| component.invocation_id.is_some()),
            )
            .field("digest", digest_of(component))
            .field("verdict", component.verdict);
        let differs = component.correlation_id != self.run.correlation_id;
        layer.field(
            "correlation",
            differs.then(|| format!("{} (not the run's!)", component.correlation_id)),
        )
    }

    /// What an absent row means. A call is made under a receipt that was committed before: what has none was not
    /// called, and what has one and no row may have been.
    fn not_recorded(&self, name: &'static str, role: ComponentRole) -> Layer {
        let layer = Layer::new(name, Tone::Faint);
        let Some(receipt) = self.receipt(role) else {
            let why = match (self.is_executed(), self.is_concluded()) {
                (false, _) => "not recorded",
                (true, false) => "not called yet",
                (true, true) => "not called",
            };
            return layer.headline(Label::toned(why, Tone::Faint));
        };
        let (why, tone) = match receipt.state {
            ReceiptState::Unknown => (
                "no row: whether it was called, and what it did, is not known",
                Tone::Caution,
            ),
            ReceiptState::Void => (
                "void: a gate closed before the receipt was committed, so it counts for nothing",
                Tone::Bad,
            ),
            _ => ("no row yet: being called, or not known", Tone::Notice),
        };
        Layer::new(name, tone)
            .at(Some(receipt.begun_at))
            .headline(Label::code(&receipt.dot_code))
            .headline(Label::toned(why, tone))
            .field("receipt", Some(receipt.invocation_id))
            .field("may call", receipt.endpoint_ref.as_ref())
            .field("runner", Some(&receipt.runner))
    }

    fn conclusion(&self) -> Option<Layer> {
        let at = self.run.concluded_at?;
        let layer = Layer::new("END", tone_of(self.run.status))
            .at(Some(at))
            .headline(labels::status(self.run.status));
        Some(
            layer
                .field("verdict", self.run.verdict)
                .field("outcome", self.evidence("outcome"))
                .field("reason", self.evidence("reason"))
                .field("ended by", stop::cause(&self.run))
                .field("error", self.run.error_ref.as_ref())
                .field("posture", self.evidence("posture"))
                .field("took", self.took()),
        )
    }

    fn outbox(&self) -> Layer {
        if self.events.is_empty() {
            return Layer::new("EVENTS", Tone::Faint)
                .headline(Label::toned("none written", Tone::Faint));
        }
        let layer =
            Layer::new("EVENTS", Tone::Good).at(self.events.first().map(|event| event.occurred_at));
        let layer = layer.headline(Label::plain(format!("{} in the outbox", self.events.len())));
        self.events.iter().fold(layer, |layer, event| {
            layer.field(
                "event",
                Some(format!("{}  {}", event.event_id, event.event_type)),
            )
        })
    }

    fn release(&self) -> Option<Layer> {
        let layer = Layer::new("RELEASE", Tone::Good);
        if self.run.lease_name.is_none() && self.is_one_transaction() {
            return Some(layer.headline(Label::plain(
                "given back in the transaction that recorded the run",
            )));
        }
        self.run
            .concluded_at
            .map(|_| layer.headline(Label::plain("given back by the conclusion")))
    }

    /// Header and both components bear the same instant only where one call wrote them all: `fn_process_pair_observe`.
    fn is_one_transaction(&self) -> bool {
        self.components.len() == 2
            && self.run.evidence_type != EvidenceType::BackfilledEvidence
            && self
                .components
                .iter()
                .all(|component| component.created_at == self.run.created_at)
    }
}

fn digest_of(component: &Component) -> Option<String> {
    let is_reference = component.evidence_ref["output_kind"] == "reference";
    let digest = component.output_digest.as_ref()?;
    Some(labels::digest(digest, is_reference).text)
}

fn evidence_rank(kind: EvidenceType) -> u8 {
    match kind {
        EvidenceType::BackfilledEvidence => 0,
        EvidenceType::SimulatedDryRun => 1,
        EvidenceType::DryRun => 2,
        EvidenceType::RealRun => 3,
    }
}

fn tone_of(status: StoredStatus) -> Tone {
    match status {
        StoredStatus::Failed | StoredStatus::Stuck | StoredStatus::Orphan => Tone::Bad,
        StoredStatus::Cancelled => Tone::Faint,
        StoredStatus::Started | StoredStatus::StepStarted => Tone::Notice,
        _ => Tone::Good,
    }
}
