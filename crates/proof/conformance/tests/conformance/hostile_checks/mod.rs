//! Preflight checks are foreign code. A check can only return a number: no search path, row, setting, lock or trigger
//! of it remains, and no function of the contract depends on the search path that it leaves.

mod cache_writes;
mod caller_state;
mod cursors;
mod queries;
mod search_path;
mod session_state;
