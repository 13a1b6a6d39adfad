//! What the benchmarks have in common: the machine by name, and how runs per second are measured.

pub mod machine;
pub mod measure;

/// What went wrong; a benchmark only prints it.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
