//! The header of a run that components are recorded under.

use tokio_postgres::Client;

use crate::common::fixtures::PRODUCER;
use crate::common::{Call, text};

/// Records a header of the pair, and returns its run id.
pub(super) async fn a_run(observer: &Client) -> String {
    text(observer, &Call::run().text("p_dot_code", PRODUCER).sql()).await
}
