//! The `traceparent` of a call: W3C Trace Context, level 1.

use dotwrap_invoke::ToolCall;

/// The trace is the run, the span is the call: the ledger leads to the trace, and the trace to the ledger. Neither may
/// be all zeros, which a caller's own run id could be.
pub(crate) fn traceparent(call: &ToolCall) -> String {
    let trace = call.process_run_id.as_uuid().as_u128().max(1);
    let (_, span) = call.invocation_id.as_u64_pair();
    format!("00-{trace:032x}-{:016x}-01", span.max(1))
}
