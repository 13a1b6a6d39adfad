//! Idempotency keys: a repeated call returns the ids of the first; with other arguments it is refused.

mod caller_supplied_ids;
mod calls;
mod concurrent_calls;
mod repeated_key;
mod reserved_keys;
mod uncommitted_calls;
