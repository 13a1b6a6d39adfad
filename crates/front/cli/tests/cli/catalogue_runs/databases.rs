//! Pairs of `catalogue/sqlite.toml` and `catalogue/postgresql.toml`.

use dotwrap_testkit::{PrivateServer, TestDatabase, Version};
use tokio_postgres::Config;
use tokio_postgres::config::Host;

use super::pair_run::{Flip, Flips, Pair, assert_runs_and_detects_change, text_of, tool};
use crate::support::wait;

#[test]
fn sqlite() {
    assert_runs_and_detects_change("sqlite3", |site| {
        let database = text_of(&site.0.desk.folder().join("notes.db"));
        let notes = "CREATE TABLE note (id integer PRIMARY KEY, words text); CREATE INDEX by_words ON note (words);
                     INSERT INTO note (words) VALUES ('first'), ('second')";
        tool("sqlite3", &[&database, notes]);
        Pair {
            producer: "DOT_SQLITE_BACKUP",
            input: database,
            // The type of the first page.
            flips: Flips::both(Flip::At(100)),
        }
    });
}

#[test]
fn pg_dump() {
    let database = wait(TestDatabase::empty(Version::V15));
    wait(async {
        let notes = "CREATE TABLE note AS SELECT g AS id, 'note ' || g AS words FROM generate_series(1, 5000) g";
        database
            .owner_client()
            .await
            .batch_execute(notes)
            .await
            .unwrap();
    });
    assert_runs_and_detects_change("pg_dump", |_| Pair {
        producer: "DOT_PG_DUMP",
        input: database.url_as(database.owner()),
        flips: Flips {
            dry: Flip::At(0),
            real: Flip::Percent(75),
        },
    });
}

#[test]
fn pg_basebackup() {
    let server = wait(PrivateServer::start(Version::V15, &[]));
    assert_runs_and_detects_change("pg_basebackup", |_| Pair {
        producer: "DOT_PG_BASEBACKUP",
        input: format!(
            "{}&passfile={}",
            url_of(&server.cluster().superuser_config("postgres")),
            server.cluster().password_file().display()
        ),
        flips: Flips::both(Flip::In("base/1/PG_VERSION")),
    });
}

/// The folder of the only socket.
pub(super) fn folder_of(config: &Config) -> String {
    let [Host::Unix(folder)] = config.get_hosts() else {
        panic!("{config:?} is not one socket");
    };
    folder.display().to_string()
}

pub(super) fn url_of(config: &Config) -> String {
    let user = config.get_user().unwrap();
    let folder = folder_of(config).replace('%', "%25");
    format!(
        "postgresql://{user}@/postgres?host={}",
        folder.replace(' ', "%20")
    )
}
