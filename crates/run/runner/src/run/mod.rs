//! One executed run, from its options to its conclusion.
//!
//! Three transactions, each committed before the next step:
//! 1. gates, preflight, lease, header and the producer's receipt; then the producer is called;
//! 2. the producer's row and the verifier's receipt; then the verifier is called;
//! 3. the verifier's row and the conclusion.

mod call;
mod conclude;
mod execution;
mod input;
mod input_file;
mod outcome;
mod output_path;
mod run_options;
mod verified_bytes;
mod window;

pub use outcome::Outcome;
pub use run_options::RunOptions;
