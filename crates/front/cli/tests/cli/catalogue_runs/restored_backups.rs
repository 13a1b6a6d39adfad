//! The pair of `catalogue/restored_backups.toml`.

use std::process::Command;

use dotwrap_testkit::{PrivateServer, Version};

use super::databases::{folder_of, url_of};
use super::pair_run::{Flip, Flips, Pair, assert_runs_and_detects_change};
use crate::support::wait;

const FAMILY: &str = include_str!("../../../../../../catalogue/restored_backups.toml");

/// The scratch database is on the server that is dumped.
#[test]
fn pg_dump_is_restored_and_counted() {
    let server = wait(PrivateServer::start(Version::V15, &[]));
    let passwords = server.cluster().password_file().display().to_string();
    let config = server.cluster().superuser_config("postgres");
    let url = format!("{}&passfile={passwords}", url_of(&config));
    let ask = |statement: &str| {
        let words = [
            "--no-psqlrc",
            "--quiet",
            "--no-align",
            "--tuples-only",
            "--dbname",
            &url,
            "--command",
            statement,
        ];
        let output = Command::new("psql").args(words).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert_runs_and_detects_change("pg_dump", |site| {
        ask(
            "CREATE TABLE note AS SELECT g AS id, 'note ' || g AS words FROM generate_series(1, 5000) g",
        );
        ask("CREATE SCHEMA \"a b\"");
        ask("CREATE TABLE \"a b\".\"it's\" AS SELECT 1 AS x");
        let (user, host) = (config.get_user().unwrap(), folder_of(&config));
        let scratch = format!("host={host} user={user} passfile={passwords}");
        site.import(
            FAMILY,
            &[(
                "environment = [\"SCRATCH_SERVER\"]",
                &format!("variables = {{ SCRATCH_SERVER = \"{scratch}\" }}"),
            )],
        );
        Pair {
            producer: "DOT_PG_DUMP_COUNTED",
            input: url.clone(),
            flips: Flips {
                dry: Flip::At(0),
                real: Flip::In("counts"),
            },
        }
    });
    // Every scratch database is gone.
    let left = ask("SELECT count(*) FROM pg_database WHERE datname LIKE 'scratch%'");
    assert_eq!(left, "0\n");
}
