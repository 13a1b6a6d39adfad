//! The conformance suite of the SQL contract: tests only, in `tests/conformance/`.
//!
//! Each behaviour is tested on every supported backend: the oldest and the newest supported PostgreSQL, and the oldest
//! one behind pgbouncer in transaction mode. The tests use only SQL, as psql or a client in another language would;
//! only the installer is called as a library.
