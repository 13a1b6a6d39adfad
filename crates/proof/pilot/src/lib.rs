//! The pilot: the pair `DOT_KG_EXPLAIN` / `DOT_KG_EXPLAIN_VERIFY` of the candidate `PROC-CAND:dot:kg`.
//!
//! ```text
//! fixture (a target and a subgraph) ──► explain ──► explanation ──► verify ──► report with a verdict
//! ```
//!
//! The crate has three parts, which do not depend on the rest of the product:
//!
//! - the **types** [`Fixture`] and [`Explanation`], and the rules that derive an explanation from a fixture
//!   ([`explain`]);
//! - the **verifier**, [`verify`](fn@verify) and the program `dotwrap-kg-explain-verify`: deterministic, reads two
//!   files, opens no connection. As a DOT of the engine `command` its `argv` is `["dotwrap-kg-explain-verify",
//!   "--digest", "{output_digest}", "{fixture}", "{output}", "{namespace}"]` with `success_exit [0]` and `error_exit
//!   [2]`;
//! - the **reference agent service**, [`agent`] and the program `dotwrap-reference-agent`: answers the agent service
//!   protocol for both DOTs, always with `is_mock: true`, so that its runs are never more than simulated.

#![forbid(unsafe_code)]

#[cfg(feature = "agent")]
pub mod agent;
mod digest;
mod explain;
mod explanation;
mod fixture;
mod namespace;
mod report;
mod verify;

pub use digest::digest_of;
pub use explain::explain;
pub use explanation::{Citations, EXPLANATION_FORMAT, Explanation, ExplanationError};
pub use fixture::{Edge, FIXTURE_FORMAT, Fixture, FixtureError, Node};
pub use namespace::is_within;
pub use report::{Check, FailedCheck, Report, Verdict};
pub use verify::{Subject, verify};

/// The producer.
pub const PRODUCER: &str = "DOT_KG_EXPLAIN";
/// The verifier.
pub const VERIFIER: &str = "DOT_KG_EXPLAIN_VERIFY";
/// The candidate of the pair's runs.
pub const CANDIDATE: &str = "PROC-CAND:dot:kg";
/// The name of the pilot's fixture in a registry.
pub const FIXTURE_REF: &str = "fixture:kg_explain";
