//! Records a producer and its verifier as one correlated, evidence-typed run in PostgreSQL.
//!
//! The contract is SQL: the database checks every call, and refuses a false claim from any client. This crate is its
//! typed client. It can only *record*. It starts no process and opens no connection except those to its database; a
//! test on its dependencies enforces that. Other crates invoke tools, and they record only through this one.
//!
//! # One pair, one call
//!
//! ```
//! use dotwrap_wrapper::{ConnectionTarget, PairCall, StoredStatus, ToolDefinition, Wrapper};
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
//! // An operator registers a pair once. Each tool names the other.
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
//! // The same key returns the same run and writes nothing.
//! let again = wrapper.observe_pair(&call).await?;
//! assert!(!again.created);
//! assert_eq!(again.process_run_id, first.process_run_id);
//!
//! // Simulated evidence never reaches `verified`.
//! assert!(wrapper.verified_candidates().await?.is_empty());
//! # Ok(())
//! # }
//! ```
//!
//! # A refusal is a value
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
//! // The ledger has no row of the call. The refusal is recorded and can be counted.
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
//! GATE 1        gate.rs           the posture, the gates, their history         ┐
//!               run_watch.rs      whether runs may go on, by LISTEN and polling │
//! GATE 2        preflight.rs      the named checks, any BLOCK refuses           │
//! LEASE         lease.rs          one run of a pair at a time                   │  pair.rs   in one call
//!   ▼                                                                           │  steps/    one by one,
//! HEADER        header.rs         one row per run                               │            each a type
//!   ▼                                                                           │
//! COMPONENTS    component.rs      producer, then verifier                       │
//! EVENTS        events.rs         written with the rows, where a type is active ┘
//!
//! refusals      refusal.rs, refusal_log.rs, error.rs
//! backfill      backfill.rs       evidence that other sources assert, never counted as runtime
//! requests      requests/         runs that a worker claims, at most one run per request
//! executed runs executed/         begun before a call, concluded after it, reaped where the holder died
//! queries       queries/          runs, components, status, ladder: the views
//! registry      registry/         DOTs, candidates, contracts, fixtures, checks
//! types         dotwrap-types     a crate of its own: names, ids, postures, evidence types, statuses
//! connections   database/         target, pool, one statement per call
//! ```
//!
//! # Layer by layer
//!
//! [`steps`] has one type per layer: a run that passed the gates has another type than one that did not, and only a run
//! that holds its lease can be written.
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
//! let passed = wrapper.enter(PairCall::new("DOT_KG_EXPLAIN", "PROC-CAND:dot:kg")).await?;
//! println!("the posture is {}", passed.posture());
//! let leased = passed.acquire_lease(Duration::from_secs(60)).await?;
//! let header = leased.observe_run().await?;
//! let producer = header.observe_producer().await?;
//! let pair = producer.observe_verifier().await?;
//! let released = pair.release().await?;
//! assert!(released.record.created);
//! assert!(released.held_throughout);
//! # Ok(())
//! # }
//! ```
//!
//! # Connections
//!
//! A [`Wrapper`] is cheap to clone, and its clones share a pool. Every call is one unnamed statement that is sent with
//! its parameters in one round trip and qualified with the schema. It leaves no session state, so a transaction-mode
//! pooler may be used. [`ConnectionTarget`] accepts the settings of libpq.

#![forbid(unsafe_code)]

mod backfill;
mod component;
mod database;
mod error;
mod error_class;
mod events;
mod executed;
pub mod gate;
mod header;
mod lease;
mod pair;
mod preflight;
mod queries;
mod refusal;
mod refusal_log;
mod registry;
mod request_builder;
mod requests;
mod run_watch;
pub mod steps;
mod wrapper;

pub use backfill::{Backfill, BackfillProgress, BackfillSource};
pub use component::ComponentCall;
pub use database::{ConnectionTarget, Interval, TargetError, connect, connect_within};
pub(crate) use dotwrap_types as types;
pub use dotwrap_types::{
    Actor, CandidateCode, ComponentRole, ComponentRunId, Contract, ContractDefinition,
    CorrelationId, DotCode, EventId, EvidenceType, Fixture, IdempotencyKey, LeaseToken, Posture,
    ProcessRunId, RefusalId, RequestId, StoredMapping, StoredStatus, Verdict, WrapperStatus,
};
pub use error::{Error, is_unreachable, means_no_slot};
pub use error_class::ErrorClass;
pub use events::{Event, EventType};
pub use executed::{
    BeginCall, BeginOutcome, BegunRun, CallRecord, Conclusion, OnEarlier, RunAwaitingVerifier,
    RunStop,
};
pub use gate::{Gate, GateChange, GateSetting};
pub use header::{HeaderCall, HeaderRecord, Timing};
pub use lease::{DEFAULT_LEASE_TTL, Lease, LeaseRecord, LeaseState};
pub use pair::{PairCall, PairRecord, PairRow};
pub use preflight::{CheckFinding, CheckStatus};
pub use queries::{
    BirthReadiness, CandidateStatus, Component, DotStatus, DotWrapperStatus, Happened,
    InvalidCursor, ObservedCounts, Receipt, ReceiptState, Resolution, Run, RunCursor, RunFilter,
    RunPage, Rung, VerifiedOutput,
};
pub use refusal::{Refusal, RefusalCode, RefusalKind};
pub use refusal_log::{RecordedRefusal, RefusalCatalogueEntry};
pub use registry::{
    Candidate, CandidateDefinition, CandidatePair, CatalogueChange, CatalogueDefinition,
    CatalogueKind, Check, CheckDefinition, FixtureDefinition, ImportAction, PairChange, Tool,
    ToolChange, ToolDefinition,
};
pub use requests::{
    ClaimedRequest, DEFAULT_BACKOFF, RequestEnd, RequestOutcome, RequestState, RunRequest,
    RunRequestFilter, RunRequestRecord, Schedule,
};
pub use run_watch::{RunWatch, StopCause, WatchedRun};
pub use wrapper::{Builder, DEFAULT_SCHEMA, Retry, Wrapper};
