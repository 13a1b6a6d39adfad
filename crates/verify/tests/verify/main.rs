//! The judge, on real ledgers: honest ones, and each lie that a superuser or an owner can tell.

mod access;
mod clock;
mod void_receipts;
mod decoys;
mod clean_ledger;
mod independence;
mod tampering;
mod restored;
mod roles;
mod support;
mod undetected;
