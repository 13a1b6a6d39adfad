//! Calls a tool of a Model Context Protocol server: `mcp:<program>` over the standard input and output of a process of
//! its own, `mcp:https://…` over streamable HTTP.
//!
//! ```text
//! invocation ──► connection ──► initialize ──► tools/list ──► tools/call ──► answer
//!                (a process                    is it there,   from here on   what the server said,
//!                 or TLS)                      is it         what breaks is  kept as a file
//!                                              read-only?     'unknown'
//! ```
//!
//! # `invocation` of a contract
//! ```text
//! tool                "explain"            the tool's name. Required.
//! arguments           {"node": "{input}"}  its arguments; every text in it may have places
//! max_response_bytes  16777216             everything that the server may send during one call, all messages together; at most 256 MiB
//! token_environment   "KG_TOKEN"           HTTP: the variable of the runner's environment that holds a bearer token
//! argv, environment, variables, paths, limits
//!                                          stdio: as the command engine has them
//! ```
//! Places are those of the command engine, and two more, which stand for a JSON value and are therefore the whole text
//! of an argument: `{output_body}` (verifier: what the producer left, as JSON where it is JSON) and `{fixture_body}`.
//! They are for servers that cannot read the runner's files.
//!
//! A producer whose invocation names `{output}` has the tool put its output there. Otherwise what the server
//! answers is the output: `structuredContent`; else a single text, as JSON where it is JSON; else the list of contents.
//!
//! # Failures
//! Before the call: `server_unavailable` `handshake_refused` `http_status` `tool_missing` `tool_ambiguous`
//! `not_read_only` `input_missing` `not_started`. A service is known to have done nothing then; of a program that was
//! started nobody knows what it did, whether it was spoken to or not. By the tool: `tool_error` `call_refused`
//! `input_required`. By its answer: `secret_in_answer` `digest_mismatch` `digest_invalid` `verdict_missing`
//! `verdict_invalid` `output_missing`. At any time, and unknown once the tool was called: `deadline`
//! `response_too_large` `connection_lost` `answer_invalid`.
//!
//! # What is trusted
//! Nothing that the server says of itself. Annotations are recorded as what they are; below `REAL_RUN` a tool that does
//! not even claim `readOnlyHint` is not called, and a process's writes are limited by the sandbox whatever it claims.
//! What the server wants of us (sampling, elicitation, roots) is refused.

#![forbid(unsafe_code)]

mod answer;
mod arguments;
mod byte_budget;
mod client;
mod endpoint;
mod evidence;
mod failed_call;
mod failure;
mod http;
mod invocation;
mod invoker;
mod limits;
mod output;
mod session;
mod stdio;
mod tools;

pub use http::TrustStoreError;
pub use invoker::McpInvoker;
