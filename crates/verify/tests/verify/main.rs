//! The judge, on real ledgers: honest ones, and each lie that a superuser or an owner can tell.

mod asking;
mod closing;
mod honest;
mod independence;
mod lies;
mod support;
