//! Warns where a window ends before the contracts' time limits do.

use std::time::Duration;

use dotwrap_invoke::Mode;
use dotwrap_wrapper::gate::{
    DRY_RUN_ONLY, EXECUTE_ENABLED, OPERATOR_RUNTIME_ENABLED, REAL_RUN_ENABLED,
};
use jiff::SignedDuration;
use tokio::time::timeout;

use super::execution::Execution;
use crate::Step;

/// How long the gates may take to be read.
const LOOK: Duration = Duration::from_secs(3);

/// The gates that a run depends on. `fn_dot_run_stop_cause` decides by the same ones.
fn needed(mode: Mode) -> &'static [&'static str] {
    match mode {
        Mode::DryRun => &[OPERATOR_RUNTIME_ENABLED, EXECUTE_ENABLED],
        Mode::RealRun => &[
            OPERATOR_RUNTIME_ENABLED,
            EXECUTE_ENABLED,
            DRY_RUN_ONLY,
            REAL_RUN_ENABLED,
        ],
    }
}

impl Execution<'_> {
    /// Reports the window that ends first, of those whose end stops the run before others, if it ends too early. While
    /// the producer is called already: a look costs a round trip.
    pub(super) async fn warn_of_a_short_window(&self) {
        let Ok(Ok(gates)) = timeout(LOOK, self.wrapper.gates()).await else {
            return;
        };
        let sides = [&self.prepared.producer, &self.prepared.verifier];
        let time_limit: Duration = sides
            .into_iter()
            .map(|side| Duration::from_millis(side.contract.timeout_ms.unsigned_abs().into()))
            .sum();
        let limit = SignedDuration::try_from(time_limit).unwrap_or(SignedDuration::MAX);
        let Ok(last) = self.clock.now().checked_add(limit) else {
            return;
        };
        let needed = needed(self.prepared.mode);
        let short = gates.iter().filter_map(|gate| {
            let ends_at = gate.expires_at.filter(|end| gate.open && *end < last)?;
            needed
                .contains(&&*gate.key)
                .then_some((!gate.stop_at_end, ends_at, &*gate.key))
        });
        if let Some((goes_on, ends_at, gate)) = short.min() {
            self.progress.step(Step::ShortWindow {
                gate,
                ends_at,
                time_limit,
                stops: !goes_on,
            });
        }
    }
}
