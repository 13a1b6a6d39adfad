//! Creates and removes the databases and roles of tests.
//!
//! Their names begin with `test_` and the process id, so that those of a killed process can be told from those in use.

use std::sync::atomic::{AtomicU32, Ordering};

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;
use tokio_postgres::Client;

use crate::contract;
use crate::session::quoted;

/// A unique name among all tests, while its process lives.
pub(crate) fn new_name() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(1);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    format!("test_{}_{number}", std::process::id())
}

/// Removes databases and roles of killed test processes, and the templates of other versions of the contract.
pub(crate) async fn drop_stale(client: &Client) {
    let databases = "SELECT datname FROM pg_database WHERE datname ~ '^(test|template)_[0-9a-f]'";
    for database in names(client, databases).await {
        let left = database.starts_with("template_") && database != contract::template_name();
        if left || creator_is_dead(&database) {
            drop_database(client, &database).await;
        }
    }
    for role in names(
        client,
        "SELECT rolname FROM pg_roles WHERE rolname ~ '^test_[0-9]'",
    )
    .await
    {
        if creator_is_dead(&role) {
            drop_role(client, &role).await;
        }
    }
}

/// Drops a database and ends its sessions. Best effort: a database that stays is removed when the server starts again.
pub(crate) async fn drop_database(client: &Client, name: &str) {
    let name = quoted(name);
    // A template has to be made an ordinary database first.
    let ordinary = format!("ALTER DATABASE {name} IS_TEMPLATE false");
    let gone = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
    for command in [ordinary, gone] {
        if let Err(error) = client.batch_execute(&command).await {
            eprintln!("{command}: {error:?}");
        }
    }
}

/// Removes the roles whose names begin so. Their database must be gone.
pub(crate) async fn drop_roles(client: &Client, prefix: &str) {
    let like = format!("{}\\_%", prefix.replace('_', "\\_"));
    // The login last: from PostgreSQL 16 on it is the grantor of the other memberships.
    let query = "SELECT rolname::text FROM pg_roles WHERE rolname LIKE $1 ORDER BY rolname LIKE '%\\_login'";
    let Ok(rows) = client.query(query, &[&like]).await else {
        return;
    };
    for row in rows {
        drop_role(client, row.get(0)).await;
    }
}

async fn drop_role(client: &Client, name: &str) {
    let command = format!("DROP ROLE IF EXISTS {}", quoted(name));
    if let Err(error) = client.batch_execute(&command).await {
        eprintln!("{command}: {error:?}");
    }
}

async fn names(client: &Client, query: &str) -> Vec<String> {
    let Ok(messages) = client.simple_query(query).await else {
        return Vec::new();
    };
    messages
        .iter()
        .filter_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        })
        .collect()
}

fn creator_is_dead(name: &str) -> bool {
    let pid = name
        .strip_prefix("test_")
        .and_then(|rest| rest.split('_').next());
    let Some(pid) = pid.and_then(|pid| pid.parse().ok()).filter(|pid| *pid > 0) else {
        return false;
    };
    kill(Pid::from_raw(pid), None) == Err(Errno::ESRCH)
}
