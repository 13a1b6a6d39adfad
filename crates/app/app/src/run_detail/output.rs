//! What became of a run's output.
use super::{Layer, RunDetail};
use crate::{Label, Tone, labels};

impl RunDetail {
    /// What became of the output since, and who verified it again.
    pub(super) fn output(&self) -> Option<Layer> {
        let (state, moved_to) = (&self.run.output_state, &self.run.output_moved_to);
        let state = labels::output_state(state.as_deref(), moved_to.as_deref());
        if state.is_none() && self.reverifications.is_empty() {
            return None;
        }
        let is_lost = matches!(
            self.run.output_state.as_deref(),
            Some("missing" | "changed")
        );
        let layer = Layer::new("OUTPUT", if is_lost { Tone::Bad } else { Tone::Notice });
        let layer = match state {
            Some(state) => layer.headline(Label::toned(state, Tone::Caution)),
            None => layer.headline(Label::plain("verified again")),
        };
        let layer = self.output_events.iter().fold(layer, |layer, event| {
            let who = format!("{} by {} at {}", event.kind, event.actor, event.recorded_at);
            layer.field("event", Some(who))
        });
        Some(self.reverifications.iter().fold(layer, |layer, again| {
            let verdict = again
                .verdict
                .map_or("no verdict".to_owned(), |verdict| verdict.to_string());
            let line = format!(
                "{verdict} at {}, run {}",
                again.created_at, again.process_run_id
            );
            layer.field("again", Some(line))
        }))
    }
}
