//! The invoker for DOTs of the engine `agent_api`: an HTTP endpoint of an agent service.
//!
//! ```text
//! POST <endpoint_ref>    {dot_code, mode, process_run_id, component_run_id, correlation_id, fixture_ref, input, input_digest,
//!                         output_namespace, deadline}
//!                        Idempotency-Key: <invocation_id>    traceparent    Authorization: Bearer …, where the contract names one
//!      ◄──               {output, output_digest, output_namespace, is_mock, writes, verdict?, notes?}
//! ```
//!
//! # What is called
//! Only `https://`, only hosts that the runner's own settings allow ([`AllowedHosts`](dotwrap_invoke::AllowedHosts),
//! empty as shipped), no redirect, no proxy, no cookie, TLS always verified. A contract can choose what is called among
//! those, and nothing else.
//!
//! # What is sent
//! `input` is for a verifier the producer's output, as JSON where it is JSON and else as a text, and `input_digest` the
//! digest that was committed for it. For a producer it is the run's `input_ref`; where there is none and the contract
//! names a fixture, the fixture's body.
//!
//! # `invocation` of a contract
//! ```text
//! token_environment    the NAME of an environment variable of the runner that holds a bearer token
//! max_response_bytes   how much is read of an answer; at most 256 MiB
//! ```
//! Anything else there is refused before a receipt is opened. There are no headers of one's own: a contract can be read
//! by every login that reads the ledger, and secrets would end up in it.
//!
//! # What is believed
//! Nothing that can be checked here. The answer has the protocol's members in the protocol's types; `output_digest` is
//! the digest of `output` as it stood, without its white space, in its canonical form, or, of a text, of the text
//! itself; the namespace is the contract's or below it; nothing was written below `REAL_RUN`; a verifier gave a
//! verdict. Whatever is not so fails the call. The output is kept as `output.json` in its canonical form (RFC 8785), or
//! as `output.txt` where it is a text, and the digest is that file's, computed here.

#![forbid(unsafe_code)]

mod body;
mod canonical;
mod client;
mod endpoint;
mod evidence;
mod exchange;
mod input;
mod invocation;
mod invoker;
mod lexical;
mod request;
mod response;
mod settings;
mod trace;
mod validate;

pub use invoker::AgentApiInvoker;
pub use settings::{DEFAULT_MAX_RESPONSE_BYTES, Settings, SetupError};
