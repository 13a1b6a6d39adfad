//! The verifier on real ledgers: consistent ones, and each tampering by a superuser or owner.

mod access;
mod clean_ledger;
mod clock;
mod decoys;
mod independence;
mod restored;
mod roles;
mod support;
mod tampering;
mod undetected;
mod void_receipts;
