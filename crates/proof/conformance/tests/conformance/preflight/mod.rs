//! GATE 2: the preflight checks. Any BLOCK refuses the call before a row is written.

mod builtin_checks;
mod calls;
mod check_privileges;
mod result_cache;
mod results;
