//! Findings about what is in use: preflight, gates, leases, transactions.

use tokio_postgres::{Client, types::Type};

use super::{Finding, Severity};
use crate::{InstallError, identifier::quote, state::Installed};

pub(super) async fn preflight(client: &Client, schema: &str) -> Result<Finding, InstallError> {
    let rows = client
        .query_typed(
            &format!("SELECT coalesce(string_agg(p.check_name || ' (' || coalesce(p.cnt::text, 'no answer') || ')', ', '), '') FROM {}.fn_dot_preflight() p WHERE p.status = 'BLOCK'", quote(schema)),
            &[],
        )
        .await?;
    let blocking: String = rows[0].get(0);
    Ok(if blocking.is_empty() {
        Finding::fine("preflight", "no check blocks")
    } else {
        Finding::new(
            "preflight",
            Severity::Problem,
            format!("preflight blocks: {blocking}"),
            "No run can be recorded until that is mended.",
            "See dotwrap preflight; missing ledger guards are put back by dotwrap install --repair.",
        )
    })
}

pub(super) async fn open_gates(client: &Client, schema: &str) -> Result<Finding, InstallError> {
    let rows = client
        .query_typed(
            &format!("SELECT coalesce(string_agg(g.key, ', ' ORDER BY g.key), '') FROM {}.v_dot_gate g WHERE g.open AND g.expires_at IS NULL", quote(schema)),
            &[],
        )
        .await?;
    let open: String = rows[0].get(0);
    Ok(if open.is_empty() {
        Finding::fine("gates", "no gate is open without an end")
    } else {
        Finding::new(
            "gates",
            Severity::Warning,
            format!("open without an end: {open}"),
            "A gate that nobody closes is no gate.",
            "Run: dotwrap gates close KEY --reason …, or open it for a time with --for.",
        )
    })
}

pub(super) async fn expired_leases(client: &Client, schema: &str) -> Result<Finding, InstallError> {
    let rows = client
        .query_typed(
            &format!(
                "SELECT count(*) FROM {}.v_dot_lease l WHERE l.state = 'expired'",
                quote(schema)
            ),
            &[],
        )
        .await?;
    let expired: i64 = rows[0].get(0);
    Ok(if expired == 0 {
        Finding::fine("leases", "no lease ran out in its holder's hands")
    } else {
        Finding::new(
            "leases",
            Severity::Warning,
            format!("{expired} leases ran out without being released"),
            "Their holders died or were cut off; the next caller takes the lease over.",
            "See dotwrap lease ls.",
        )
    })
}

/// Whether a login can hold a lease by an open transaction. The contract bounds every wait for such a transaction, but
/// only the server can end it.
pub(super) async fn open_transactions(
    client: &Client,
    found: &Installed,
) -> Result<Finding, InstallError> {
    let rows = client
        .query_typed(
            include_str!("open_transactions.sql"),
            &[(&found.role_prefix, Type::TEXT)],
        )
        .await?;
    let (unbounded, prepared): (String, i32) = (rows[0].get(0), rows[0].get(1));
    let mut what = Vec::new();
    let mut mend = Vec::new();
    if !unbounded.is_empty() {
        what.push(format!("may idle in a transaction for ever: {unbounded}"));
        mend.push("ALTER ROLE … SET idle_in_transaction_session_timeout = '1min' for each of them, or for the server.");
    }
    if prepared > 0 {
        what.push(format!(
            "max_prepared_transactions is {prepared}: a prepared transaction outlives its session"
        ));
        mend.push("Set max_prepared_transactions = 0 where nothing needs it.");
    }
    Ok(if what.is_empty() {
        Finding::fine("transactions", "the server ends transactions that idle")
    } else {
        Finding::new(
            "transactions",
            Severity::Warning,
            what.join("; "),
            "An open transaction keeps the lease of each pair that it recorded: nobody else runs that pair until it ends.",
            mend.join(" "),
        )
    })
}
