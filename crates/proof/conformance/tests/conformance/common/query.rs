//! Asking a database. One round trip with an unnamed statement, which is safe behind a pooler; every answer is JSON, so
//! that a test compares values and not wire formats.

use std::time::Duration;

use serde_json::Value;
use tokio_postgres::{Client, Error, GenericClient};

/// The rows of a query, each a JSON object of its columns.
pub(crate) async fn ask(client: &impl GenericClient, query: &str) -> Result<Vec<Value>, Error> {
    let query = format!(r#"SELECT to_jsonb("the row") FROM ({query}) AS "the row""#);
    let rows = client.query_typed(&query, &[]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// The rows of a query that is expected to work.
pub(crate) async fn rows(client: &impl GenericClient, query: &str) -> Vec<Value> {
    match ask(client, query).await {
        Ok(rows) => rows,
        Err(error) => panic!("{}\n{error:?}", shortened(query)),
    }
}

/// The only row.
pub(crate) async fn row(client: &impl GenericClient, query: &str) -> Value {
    let mut rows = rows(client, query).await;
    assert_eq!(rows.len(), 1, "rows of {}: {rows:?}", shortened(query));
    rows.remove(0)
}

/// The only column of the only row.
pub(crate) async fn value(client: &impl GenericClient, query: &str) -> Value {
    match row(client, query).await {
        Value::Object(columns) if columns.len() == 1 => columns.into_iter().next().unwrap().1,
        other => panic!("one column of {}, not {other}", shortened(query)),
    }
}

/// The same where it is a text; null is empty.
pub(crate) async fn text(client: &impl GenericClient, query: &str) -> String {
    match value(client, query).await {
        Value::String(text) => text,
        Value::Null => String::new(),
        other => panic!("a text of {}, not {other}", shortened(query)),
    }
}

/// The same where it is a whole number.
pub(crate) async fn number(client: &impl GenericClient, query: &str) -> i64 {
    let answer = value(client, query).await;
    answer
        .as_i64()
        .unwrap_or_else(|| panic!("a number of {}, not {answer}", shortened(query)))
}

/// Commands without an answer.
pub(crate) async fn execute(client: &impl GenericClient, commands: &str) {
    if let Err(error) = client.batch_execute(commands).await {
        panic!("{}\n{error:?}", shortened(commands));
    }
}

/// Waits until so many sessions of this database wait for a lock. That is how two transactions are brought into an
/// order without a sleep.
pub(crate) async fn lock_waiters(superuser: &Client, number_of_waiters: i64) {
    let waiting = "SELECT count(*) FROM pg_stat_activity a WHERE a.datname = current_database() AND a.wait_event_type = 'Lock'";
    until(superuser, waiting, number_of_waiters).await;
}

/// Looks until a query counts at least so many.
pub(crate) async fn until(client: &Client, count: &str, at_least: i64) {
    for _ in 0..1000 {
        if number(client, count).await >= at_least {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{} stays below {at_least}", shortened(count));
}

fn shortened(query: &str) -> String {
    query.chars().take(2000).collect()
}
