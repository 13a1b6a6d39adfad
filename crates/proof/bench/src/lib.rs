//! Shared code of the benchmarks: the description of the machine, and the measurement of runs per second.

pub mod machine;
pub mod measure;

/// An error. A benchmark only prints it.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
