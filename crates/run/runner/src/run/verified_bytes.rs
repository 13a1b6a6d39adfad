//! The size that an output is compared with: `output_rules.min_ratio`.

use dotwrap_wrapper::Wrapper;

use super::RunOptions;
use crate::{Error, Prepared};

/// The size of what the last verified run of the same candidate and input left. None where the producer's contract does
/// not ask for it, or where there is no such run.
///
/// Read before the run begins: a rule that cannot be judged refuses the run instead of failing it.
pub(super) async fn verified_bytes(
    wrapper: &Wrapper,
    prepared: &Prepared,
    order: &RunOptions,
) -> Result<Option<u64>, Error> {
    let ratio = &prepared.producer.contract.invocation["output_rules"]["min_ratio"];
    if ratio.is_null() {
        return Ok(None);
    }
    let last = wrapper
        .last_verified_output(&prepared.candidate, order.input())
        .await?;
    let bytes = last.and_then(|last| last.output_bytes);
    Ok(bytes.and_then(|bytes| bytes.try_into().ok()))
}
