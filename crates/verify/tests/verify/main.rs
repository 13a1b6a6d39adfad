//! The judge, on real ledgers: honest ones, and each lie that a superuser or an owner can tell.

mod asking;
mod clock;
mod closing;
mod decoys;
mod honest;
mod independence;
mod lies;
mod restored;
mod roles;
mod support;
mod undetected;
