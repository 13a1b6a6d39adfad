//! A program that uses an embedded cluster, for the tests to start and to kill.
//!
//! `embedded-probe FOLDER [LINGER_MS]` prints `ready <origin> <url>` and then obeys lines from stdin: `insert N`
//! answers `acknowledged N` once the row is committed, `count` answers `counted N`, and the end of the input ends it.
//! `PROBE_BINARIES_AMONG` lists the folders to look for PostgreSQL in. With `PROBE_RESTARTS` it starts a server that
//! was killed with its keeper again; its connection is lost then.
use std::process::ExitCode;
use std::time::Duration;

use dotwrap_embedded::Embedded;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio_postgres::NoTls;

fn main() -> ExitCode {
    if let Some(status) = dotwrap_embedded::run_if_asked() {
        return status;
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    match runtime.block_on(serve()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            if let Some(cause) = error.source() {
                eprintln!("{cause}");
            }
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let embedded = match arguments.next() {
        Some(folder) => Embedded::in_folder(folder),
        None => Embedded::from_environment()?,
    };
    let linger = arguments
        .next()
        .and_then(|text| text.to_str()?.parse().ok());
    let embedded = embedded.with_idle_timeout(Duration::from_millis(linger.unwrap_or(1_000)));
    let embedded = match std::env::var_os("PROBE_BINARIES_AMONG") {
        Some(folders) => {
            let folders = std::env::split_paths(&folders);
            embedded.with_binaries_among(folders.filter(|it| it.is_absolute()).collect())
        }
        None => embedded,
    };
    let cluster = embedded.start().await?;
    let cluster = match std::env::var_os("PROBE_RESTARTS") {
        Some(_) => cluster.restarting_if_killed(),
        None => cluster,
    };
    let (client, connection) = cluster.config().connect(NoTls).await?;
    tokio::spawn(connection);
    // Two that create a table at once disturb each other, even so: one after the other.
    client
        .batch_execute(
            "BEGIN; SELECT pg_advisory_xact_lock(1); \
             CREATE TABLE IF NOT EXISTS kept (number bigint PRIMARY KEY); COMMIT",
        )
        .await?;
    println!("ready {:?} {}", cluster.origin(), cluster.url());

    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        if line == "count" {
            let row = client.query_one("SELECT count(*) FROM kept", &[]).await?;
            println!("counted {}", row.get::<_, i64>(0));
            continue;
        }
        let number: i64 = line.trim_start_matches("insert ").parse()?;
        client
            .execute("INSERT INTO kept VALUES ($1)", &[&number])
            .await?;
        println!("acknowledged {number}");
    }
    Ok(())
}
