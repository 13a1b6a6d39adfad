//! The judge, on real ledgers: honest ones, and each lie that a superuser or an owner can tell.

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
