//! A run as a timeline of the layers that it passed, in the order of the design's drawing.
//!
//! Everything shown is a value of the ledger; what the ledger does not keep is said to be unknown, not guessed.

mod drawing;

use dotwrap_wrapper::{Component, ComponentRole, Event, EvidenceType, Run, StoredStatus};
use serde::Serialize;

use crate::badges;
use crate::output::{Cell, Tone, length};
use drawing::Layer;

/// A run with everything that was recorded of it.
#[derive(Debug, Serialize)]
pub(crate) struct RunStory {
    /// Header and effective status.
    pub(crate) run: Run,
    /// Producer, then verifier.
    pub(crate) components: Vec<Component>,
    /// What went into the outbox.
    pub(crate) events: Vec<Event>,
}

impl RunStory {
    /// Draws it for a terminal.
    pub(crate) fn draw(&self) -> String {
        let id = Cell::toned(self.run.process_run_id, Tone::Notice);
        let heading = format!(
            "run {id}  {}\n{}\n{}\n",
            badges::status(self.run.status),
            self.pair(),
            self.worth()
        );
        format!("{heading}\n{}", drawing::draw(&self.layers()))
    }

    fn pair(&self) -> Cell {
        let code = |role| {
            self.part(role)
                .map(|component| component.dot_code.to_string())
        };
        let producer = code(ComponentRole::Producer)
            .or_else(|| self.run.dot_code.as_ref().map(ToString::to_string));
        let side = |code: Option<String>| code.unwrap_or_else(|| "(not recorded)".to_owned());
        Cell::toned(
            format!(
                "{} → {}",
                side(producer),
                side(code(ComponentRole::Verifier))
            ),
            Tone::Strong,
        )
    }

    /// A header claims nothing: what a run is worth is what its components are.
    fn worth(&self) -> Cell {
        match self
            .components
            .iter()
            .map(|component| component.evidence_type)
            .max_by_key(|kind| strength(*kind))
        {
            Some(kind) => badges::evidence(kind),
            None => Cell::toned("HEADER ONLY — claims nothing", Tone::Caution),
        }
    }

    fn part(&self, role: ComponentRole) -> Option<&Component> {
        self.components
            .iter()
            .find(|component| component.component_role == role)
    }

    fn layers(&self) -> Vec<Layer> {
        let mut layers = vec![self.gate(), self.preflight(), self.lease(), self.header()];
        layers.push(self.component("PRODUCER", ComponentRole::Producer));
        layers.push(self.component("VERIFIER", ComponentRole::Verifier));
        layers.extend(self.conclusion());
        layers.push(self.outbox());
        layers.extend(self.release());
        layers
    }

    fn gate(&self) -> Layer {
        let posture = self
            .run
            .evidence_ref
            .get("posture")
            .and_then(|posture| posture.as_str())
            .unwrap_or("not on record");
        let executed = self.run.evidence_ref.get("no_execute") != Some(&true.into());
        let meaning = if executed {
            "to be executed under receipts"
        } else {
            "nothing was executed"
        };
        Layer::new("GATE", Tone::Good)
            .says(Cell::plain(format!("posture {posture}")))
            .says(Cell::plain(meaning))
    }

    fn preflight(&self) -> Layer {
        Layer::new("PREFLIGHT", Tone::Faint).says(Cell::toned(
            "not on record: where a check blocks, no run is written",
            Tone::Faint,
        ))
    }

    fn lease(&self) -> Layer {
        let layer = Layer::new("LEASE", Tone::Good);
        if let Some(name) = &self.run.lease_name {
            let holder = self
                .run
                .lease_holder
                .as_ref()
                .map_or("not held any more".to_owned(), |holder| {
                    format!("held by {holder}")
                });
            return layer.says(Cell::plain(name)).says(Cell::plain(holder));
        }
        match (&self.run.dot_code, self.is_one_transaction()) {
            (Some(producer), true) => layer
                .says(Cell::plain(format!("dot_exec:{producer}")))
                .says(Cell::plain("held while the run was recorded")),
            _ => layer.says(Cell::toned(
                "not on record: only an executed run is bound to its lease",
                Tone::Faint,
            )),
        }
    }

    fn header(&self) -> Layer {
        let run = &self.run;
        Layer::new("HEADER", tone_of(run.header_status))
            .at(Some(run.created_at))
            .says(badges::status(run.header_status))
            .says(badges::evidence_word(run.evidence_type))
            .fact("run", Some(run.process_run_id))
            .fact("candidate", Some(&run.process_candidate_code))
            .fact("correlation", Some(&run.correlation_id))
            .fact("key", run.idempotency_key.as_ref())
            .fact("part of", run.parent_run_id)
            .fact(
                "actor",
                Some(format!("{} (login {})", run.actor, run.recorded_by)),
            )
            .fact("input", run.input_ref.as_ref())
            .fact("output", run.output_ref.as_ref())
            .fact("error", run.error_ref.as_ref())
            .fact(
                "took",
                run.duration
                    .filter(|took| !took.as_duration().is_zero())
                    .map(|took| length(took.as_duration())),
            )
            .fact(
                "phase",
                run.evidence_ref
                    .get("wrapper_phase")
                    .and_then(|phase| phase.as_str()),
            )
            .fact(
                "source",
                run.evidence_ref
                    .get("source_ref")
                    .and_then(|source| source.as_str()),
            )
    }

    fn component(&self, name: &'static str, role: ComponentRole) -> Layer {
        let Some(component) = self.part(role) else {
            return Layer::new(name, Tone::Faint).says(Cell::toned("not recorded", Tone::Faint));
        };
        let layer = Layer::new(name, tone_of(component.status))
            .at(Some(component.created_at))
            .says(Cell::plain(&component.dot_code))
            .says(badges::status(component.status))
            .says(badges::evidence_word(component.evidence_type))
            .fact("component", Some(component.component_run_id))
            .fact("receipt", component.invocation_id)
            .fact("verdict", component.verdict)
            .fact("digest", component.output_digest.as_ref());
        let differs = component.correlation_id != self.run.correlation_id;
        layer.fact(
            "correlation",
            differs.then(|| format!("{} (not the run's!)", component.correlation_id)),
        )
    }

    fn conclusion(&self) -> Option<Layer> {
        let at = self.run.concluded_at?;
        let layer = Layer::new("END", tone_of(self.run.status))
            .at(Some(at))
            .says(badges::status(self.run.status));
        Some(layer.fact("verdict", self.run.verdict))
    }

    fn outbox(&self) -> Layer {
        if self.events.is_empty() {
            return Layer::new("EVENTS", Tone::Faint)
                .says(Cell::toned("none written", Tone::Faint));
        }
        let layer =
            Layer::new("EVENTS", Tone::Good).at(self.events.first().map(|event| event.occurred_at));
        let layer = layer.says(Cell::plain(format!("{} in the outbox", self.events.len())));
        self.events.iter().fold(layer, |layer, event| {
            layer.fact(
                "event",
                Some(format!("{}  {}", event.event_id, event.event_type)),
            )
        })
    }

    fn release(&self) -> Option<Layer> {
        let layer = Layer::new("RELEASE", Tone::Good);
        if self.run.lease_name.is_none() && self.is_one_transaction() {
            return Some(layer.says(Cell::plain(
                "given back in the transaction that recorded the run",
            )));
        }
        self.run
            .concluded_at
            .map(|_| layer.says(Cell::plain("given back by the conclusion")))
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

fn strength(kind: EvidenceType) -> u8 {
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
