//! Executed runs: begun, proven by receipts, concluded, and reaped after their lease expired.

mod begin;
mod concurrency;
mod durability;
mod evidence;
mod queries;
mod reap;
mod reverification;
