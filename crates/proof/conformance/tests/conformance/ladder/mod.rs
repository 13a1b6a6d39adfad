//! The ladder: which records are proof, and which are not.

mod proof;
mod queries;
mod rungs;
mod wrapper_status;
