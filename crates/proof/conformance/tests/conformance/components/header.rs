//! The header of a run that components are recorded under.

use tokio_postgres::Client;

use crate::common::fixtures::PRODUCER;
use crate::common::{Call, text};

/// A header of the pair, to put components under.
pub(super) async fn a_run(observer: &Client) -> String {
    text(observer, &Call::run().text("p_dot_code", PRODUCER).sql()).await
}
