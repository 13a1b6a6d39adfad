//! The conformance suite of the SQL contract: tests only, in `tests/conformance/`.
//!
//! Each behaviour is asked of every backend that the contract has to hold on: the oldest and the newest supported
//! PostgreSQL, and the oldest behind pgbouncer in transaction mode. The tests speak SQL and nothing else of this project,
//! as psql or a client in another language would; only the installer is called as a library.
