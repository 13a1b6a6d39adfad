//! Calls of the lease functions for one lease.

use serde_json::Value;
use tokio_postgres::{Client, GenericClient};

use crate::common::{Call, text, value};

pub(super) const LEASE: &str = "dot_exec:DOT_BACKUP";

/// Returns the token, or an empty text if the lease is held.
pub(super) async fn acquire(client: &impl GenericClient, ttl_seconds: i32) -> String {
    text(client, &Call::acquire(ttl_seconds).sql()).await
}

pub(super) async fn renew(client: &impl GenericClient, token: &str) -> Value {
    value(
        client,
        &Call::lease("fn_dot_iu_runtime_lease_renew")
            .text("p_token", token)
            .with("p_ttl_seconds", "60")
            .sql(),
    )
    .await
}

pub(super) async fn release(client: &impl GenericClient, token: &str) -> Value {
    value(
        client,
        &Call::lease("fn_dot_iu_runtime_lease_release")
            .text("p_token", token)
            .sql(),
    )
    .await
}

pub(super) async fn state(client: &Client) -> Value {
    value(
        client,
        &format!("SELECT state FROM dot.v_dot_lease WHERE lease_name = '{LEASE}'"),
    )
    .await
}
