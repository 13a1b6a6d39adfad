//! The judge, on real ledgers: honest ones, and each lie that a superuser or an owner can tell.

mod honest;
mod lies;
mod support;
mod timing;
