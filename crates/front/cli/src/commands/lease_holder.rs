//! Who holds the lease that a run was refused for.
use jiff::Timestamp;
use serde_json::Value as Json;

use crate::failure::Failure;
use crate::output::{format_duration, format_time};

/// The failure; where a held lease is its reason, its message names the holder, the run and since when, as far as the
/// refusal says so.
pub(super) fn name_holder(mut failure: Failure) -> Failure {
    if failure.code == "lease_held"
        && let Some(message) = described(&failure.detail)
    {
        failure.message = message;
    }
    failure
}

/// None: the refusal names no holder. An open transaction keeps the lease then.
fn described(detail: &Json) -> Option<String> {
    let text = |name: &str| detail[name].as_str();
    let mut message = format!(
        "the lease {} is held by {}",
        text("lease_name")?,
        text("lease_holder")?
    );
    if let Some(run) = text("process_run_id") {
        message += &format!(" for the run {run}");
    }
    let since = text("acquired_at").and_then(|time| time.parse::<Timestamp>().ok());
    if let Some(since) = since {
        let age = Timestamp::now().duration_since(since);
        message += &format!(" since {}", format_time(since));
        if age.is_positive() {
            message += &format!(" ({})", format_duration(age));
        }
    }
    Some(message)
}
