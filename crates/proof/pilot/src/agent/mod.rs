//! The reference agent service: implements the agent service protocol for the pilot pair.
//!
//! It is a mock: every answer has `is_mock: true` and `writes: 0`. It lets users try the protocol end to end without a
//! real agent, and shows that such runs stay simulated.
//!
//! ```text
//! POST /   {dot_code, …}     Idempotency-Key: …     →  200 {output, output_digest, output_namespace, is_mock, writes, verdict?, notes}
//!                                                      400 no Idempotency-Key, or no request   404 unknown DOT or fixture
//!                                                      422 the key was used for another request
//! ```

mod answers;
mod keys;
mod protocol;
mod server;
mod tls;

use std::collections::BTreeMap;

use axum::{Router, extract::DefaultBodyLimit, routing::post};

use crate::{FIXTURE_REF, Fixture, FixtureError};

pub use protocol::{Answer, Request};
pub use server::{Running, serve};
pub use tls::{Identity, IdentityError};

/// What a request may weigh, in bytes.
const REQUEST_LIMIT: usize = 16 << 20;

/// The fixtures that the agent knows, by what they are called in a registry. The protocol gives a verifier the name
/// alone.
pub type Fixtures = BTreeMap<String, Fixture>;

/// The pilot's own fixture.
///
/// # Errors
/// None, as a test makes sure.
pub fn pilot_fixtures() -> Result<Fixtures, FixtureError> {
    Ok(Fixtures::from([(
        FIXTURE_REF.to_owned(),
        Fixture::pilot()?,
    )]))
}

/// The service, answering `POST /`.
pub fn router(fixtures: Fixtures) -> Router {
    Router::new()
        .route("/", post(answers::answer_call))
        .layer(DefaultBodyLimit::max(REQUEST_LIMIT))
        .with_state(answers::Agent::new(fixtures))
}
