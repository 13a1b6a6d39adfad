//! Records a producer and its verifier as one correlated, evidence-typed run in PostgreSQL.
//!
//! The contract is SQL: the database judges every call, and refuses the lie whatever client tells it. This
//! crate is the typed way to it. It can only *record*. It starts no process and opens no connection but
//! the one to its database, and a test on its dependencies keeps it so; whatever invokes a tool is
//! another crate, and can record only through this one.
//!
//! # One pair, one call
//!
//! ```
//! use dotwrap_wrapper::{PairCall, StoredStatus, ConnectionTarget, ToolDefinition, Wrapper};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let database = dotwrap_testkit::TestDatabase::create(dotwrap_testkit::Version::V15).await;
//! # let address = database.url_as(database.owner());
//! let wrapper = Wrapper::builder()
//!     .target(ConnectionTarget::parse(&address)?)
//!     .actor("ana@example.org")
//!     .build()
//!     .await?;
//!
//! // An operator registers a pair once: each names the other.
//! let tool = |code: &str, pair: &str, role: &str| ToolDefinition {
//!     dot_code: code.into(),
//!     name: code.into(),
//!     tier: "A".into(),
//!     paired_dot: Some(pair.into()),
//!     pair_role: Some(role.into()),
//!     ..ToolDefinition::default()
//! };
//! wrapper
//!     .import_tools(
//!         &[
//!             tool("DOT_KG_EXPLAIN", "DOT_KG_EXPLAIN_VERIFY", "producer"),
//!             tool("DOT_KG_EXPLAIN_VERIFY", "DOT_KG_EXPLAIN", "verifier"),
//!         ],
//!         None,
//!     )
//!     .await?;
//!
//! // Gates, preflight, lease, header, producer, verifier, events, release: one round trip.
//! let call = PairCall::new("DOT_KG_EXPLAIN", "PROC-CAND:dot:kg").idempotency_key("nightly-1");
//! let first = wrapper.observe_pair(&call).await?;
//! assert!(first.created);
//! assert_eq!(first.status, StoredStatus::Completed);
//!
//! // The same key again is the same run, and nothing is written.
//! let again = wrapper.observe_pair(&call).await?;
//! assert!(!again.created);
//! assert_eq!(again.process_run_id, first.process_run_id);
//!
//! // Simulated evidence is what it is: it never reaches `verified`.
//! assert!(wrapper.verified_candidates().await?.is_empty());
//! # Ok(())
//! # }
//! ```
//!
//! # What is refused is a value
//!
//! ```
//! use dotwrap_wrapper::{Error, EvidenceType, PairCall, RefusalCode};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let database = dotwrap_testkit::TestDatabase::create(dotwrap_testkit::Version::V15).await;
//! # let wrapper = dotwrap_wrapper::Wrapper::builder()
//! #     .target(database.url_as(database.owner()).parse()?)
//! #     .actor("ana@example.org")
//! #     .build()
//! #     .await?;
//! let unknown = PairCall::new("DOT_NOBODY_REGISTERED", "PROC-CAND:dot:kg");
//! match wrapper.observe_pair(&unknown).await {
//!     Err(Error::Refused(refusal)) if refusal.code == RefusalCode::UnknownDot => {
//!         println!("{refusal}: {}", refusal.hint.as_deref().unwrap_or("no hint"));
//!     }
//!     other => panic!("expected a refusal, not {other:?}"),
//! }
//!
//! // Nothing of the call is in the ledger; that it was refused can be counted and shown.
//! let refusals = wrapper.refusals(10).await?;
//! assert_eq!(refusals[0].refusal_code, "unknown_dot");
//! # Ok(())
//! # }
//! ```
//!
//! # The layers and their files
//!
//! ```text
//! caller        mints process_run_id + correlation_id, or lets the wrapper mint them
//!   ▼
//! GATE 1        gate.rs        the posture, the gates, their history          ┐
//!               posture_watch  the posture, kept up to date for whoever calls │
//! GATE 2        preflight.rs   the named checks, any BLOCK aborts             │
//! LEASE         lease.rs       single flight                                  │  pair.rs    in one call
//!   ▼                                                                         │  steps/     one by one,
//! HEADER        header.rs      one row a run                                  │             each a type
//!   ▼                                                                         │
//! PARTS         component.rs   producer, then verifier                        │
//! EVENTS        events.rs      written with the rows, where a type is active  ┘
//!
//! refused       refusal.rs, refusal_log.rs, error.rs
//! asserted      backfill.rs    evidence from elsewhere, never counted as runtime
//! asked for     requests/      runs that a worker claims, at most one run a request
//! executed      executed/      begun before a call, concluded after it, reaped where the holder died
//! read          ledger/        runs, components, status, ladder: what the views say
//! registered    registry/      DOTs, candidates, contracts, fixtures, checks
//! words         vocabulary/    names, ids, postures, evidence types, statuses
//! the one way   database/      target, pool, one flight a call
//! ```
//!
//! # Layer by layer
//!
//! [`steps`] walks the same layers as types: what has passed the gates is another type than what has not,
//! and only what took the lease can write.
//!
//! ```
//! # use dotwrap_wrapper::{PairCall, ToolDefinition, Wrapper};
//! use std::time::Duration;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let database = dotwrap_testkit::TestDatabase::create(dotwrap_testkit::Version::V15).await;
//! # let wrapper = Wrapper::builder()
//! #     .target(database.url_as(database.owner()).parse()?)
//! #     .actor("ana@example.org")
//! #     .build()
//! #     .await?;
//! # let tool = |code: &str, pair: &str, role: &str| ToolDefinition {
//! #     dot_code: code.into(), name: code.into(), tier: "A".into(),
//! #     paired_dot: Some(pair.into()), pair_role: Some(role.into()), ..ToolDefinition::default()
//! # };
//! # wrapper.import_tools(&[tool("DOT_KG_EXPLAIN", "DOT_KG_EXPLAIN_VERIFY", "producer"),
//! #     tool("DOT_KG_EXPLAIN_VERIFY", "DOT_KG_EXPLAIN", "verifier")], None).await?;
//! let cleared = wrapper.enter(PairCall::new("DOT_KG_EXPLAIN", "PROC-CAND:dot:kg")).await?;
//! println!("the posture is {}", cleared.posture());
//! let leased = cleared.acquire_lease(Duration::from_secs(60)).await?;
//! let headed = leased.observe_run().await?;
//! let produced = headed.observe_producer().await?;
//! let recorded = produced.observe_verifier().await?;
//! let released = recorded.release().await?;
//! assert!(released.record.created);
//! assert!(released.held_throughout);
//! # Ok(())
//! # }
//! ```
//!
//! # Connections
//!
//! A [`Wrapper`] is cheap to clone, and its clones share a pool. Every call is one statement, sent with its
//! parameters in one flight and without a name, qualified with the schema: nothing is left behind in a
//! session, so a transaction-mode pooler may stand in between. [`ConnectionTarget`] reads what libpq reads.

#![forbid(unsafe_code)]

mod backfill;
mod component;
mod database;
mod error;
mod events;
mod executed;
pub mod gate;
mod header;
mod lease;
mod pair;
mod posture_watch;
mod preflight;
mod queries;
mod refusal;
mod refusal_log;
mod registry;
mod request_builder;
mod requests;
pub mod steps;
mod wrapper;

pub use backfill::{Backfill, BackfillProgress, BackfillSource};
pub use component::ComponentCall;
pub use database::{ConnectionTarget, Interval, TargetError};
pub(crate) use dotwrap_types as types;
pub use dotwrap_types::{
    Actor, CandidateCode, ComponentRole, ComponentRunId, Contract, ContractDefinition,
    CorrelationId, DotCode, EventId, EvidenceType, Fixture, IdempotencyKey, LeaseToken, Posture,
    ProcessRunId, RefusalId, RequestId, StoredMapping, StoredStatus, Verdict, WrapperStatus,
};
pub use error::{Error, is_unreachable, means_no_slot};
pub use events::{Event, EventType};
pub use executed::{
    BeginCall, BeginOutcome, BegunRun, CallRecord, Conclusion, RunAwaitingVerifier,
};
pub use gate::{Gate, GateChange, GateSetting};
pub use header::{HeaderCall, HeaderRecord, Timing};
pub use lease::{DEFAULT_LEASE_TTL, Lease, LeaseRecord, LeaseState};
pub use pair::{PairCall, PairRecord, PairRow};
pub use posture_watch::PostureWatch;
pub use preflight::{CheckFinding, CheckStatus};
pub use queries::{
    BirthReadiness, CandidateStatus, Component, DotStatus, DotWrapperStatus, InvalidCursor,
    ObservedCounts, Receipt, ReceiptState, Run, RunCursor, RunFilter, RunPage, Rung,
};
pub use refusal::{Refusal, RefusalCode, RefusalKind};
pub use refusal_log::{RecordedRefusal, RefusalCatalogueEntry};
pub use registry::{
    Candidate, CandidateDefinition, CandidatePair, CatalogueChange, CatalogueDefinition,
    CatalogueKind, Check, CheckDefinition, FixtureDefinition, ImportAction, PairChange, Tool,
    ToolChange, ToolDefinition,
};
pub use requests::{
    ClaimedRequest, RequestEnd, RequestOutcome, RequestState, RunRequest, RunRequestFilter,
    RunRequestRecord, Schedule,
};
pub use wrapper::{Builder, DEFAULT_SCHEMA, Retry, Wrapper};
