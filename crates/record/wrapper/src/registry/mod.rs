//! The registry: which DOTs there are, what they are evidence for, what may be called for them, and which
//! checks stand before them. Operators write it; the recording layers only read it.

mod candidate_pairs;
mod candidates;
mod catalogue;
mod checks;
mod contracts;
mod fixtures;
mod tools;

pub use candidate_pairs::{CandidatePair, PairChange};
pub use candidates::Candidate;
pub use catalogue::{
    CandidateDefinition, CatalogueChange, CatalogueDefinition, CatalogueKind, FixtureDefinition,
};
pub use checks::{Check, CheckDefinition};
pub use tools::{ImportAction, Tool, ToolChange, ToolDefinition};
