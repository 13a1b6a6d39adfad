//! Who holds the lease that a run was refused for.
use dotwrap_app::backend::LedgerClient;
use dotwrap_wrapper::{
    DotCode, Lease, LeaseRecord, LeaseState, ProcessRunId, RunFilter, StoredStatus,
};
use jiff::Timestamp;

use crate::failure::Failure;
use crate::output::{format_duration, format_time};

/// The failure; where a held lease is its reason, with the lease's holder, since when it is held, and the run that
/// holds it, as far as the ledger says so now.
pub(super) async fn name_holder(
    mut failure: Failure,
    producer: &DotCode,
    ledger: &LedgerClient,
) -> Failure {
    if failure.code != "lease_held" {
        return failure;
    }
    let name = Lease::pair_lease_name(producer);
    let leases = ledger.leases().await.unwrap_or_default();
    let held = leases
        .into_iter()
        .find(|lease| lease.lease_name == name && lease.state == LeaseState::Held);
    let Some(lease) = held else {
        return failure;
    };
    let run = run_under_way(producer, &lease, ledger).await;
    failure.message = described(&lease, run);
    if let Some(detail) = failure.detail.as_object_mut() {
        let text = |time: Option<Timestamp>| time.map(|time| time.to_string());
        detail.insert("lease_name".to_owned(), lease.lease_name.into());
        detail.insert("lease_holder".to_owned(), lease.lease_holder.into());
        detail.insert("acquired_at".to_owned(), text(lease.acquired_at).into());
        detail.insert("expires_at".to_owned(), text(lease.expires_at).into());
        let run = run.map(|run| run.to_string());
        detail.insert("process_run_id".to_owned(), run.into());
    }
    failure
}

/// The newest run of the pair that was begun under this lease and is not concluded.
async fn run_under_way(
    producer: &DotCode,
    lease: &LeaseRecord,
    ledger: &LedgerClient,
) -> Option<ProcessRunId> {
    let mut filter = RunFilter::default();
    filter.dot_code = Some(producer.clone());
    let page = ledger.runs(&filter, 20).await.ok()?;
    let mut runs = page.runs.into_iter();
    let run = runs.find(|run| {
        run.status == StoredStatus::Started && run.lease_name.as_ref() == Some(&lease.lease_name)
    })?;
    Some(run.process_run_id)
}

fn described(lease: &LeaseRecord, run: Option<ProcessRunId>) -> String {
    let mut text = format!(
        "the lease {} is held by {}",
        lease.lease_name, lease.lease_holder
    );
    if let Some(run) = run {
        text += &format!(" for the run {run}");
    }
    if let Some(since) = lease.acquired_at {
        let age = Timestamp::now().duration_since(since);
        text += &format!(" since {}", format_time(since));
        if age.is_positive() {
            text += &format!(" ({})", format_duration(age));
        }
    }
    text
}
