//! The pair of `catalogue/sql_repair.toml`.

use dotwrap_testkit::{TestDatabase, Version};

use super::pair_run::{CANDIDATE, Flip, Flips, Pair, Site, assert_runs_and_detects_change};
use crate::support::wait;

const FAMILY: &str = include_str!("../../../../../../catalogue/sql_repair.toml");

const TABLES: &str = "CREATE TABLE account (id bigint PRIMARY KEY, balance numeric NOT NULL);
CREATE TABLE entry (account_id bigint, amount numeric);
INSERT INTO account SELECT g, 0 FROM generate_series(1, 9) g; INSERT INTO entry SELECT g, g * 10 FROM generate_series(1, 9) g";

fn database() -> TestDatabase {
    let database = wait(TestDatabase::empty(Version::V15));
    execute(&database, TABLES);
    database
}

fn execute(database: &TestDatabase, statements: &str) {
    wait(async {
        let client = database.owner_client().await;
        client.batch_execute(statements).await.unwrap();
    });
}

fn pair(site: &Site, database: &TestDatabase) -> Pair {
    site.import(FAMILY, &[]);
    Pair {
        producer: "DOT_SQL_REPAIR",
        input: database.url_as(database.owner()),
        // The first row's account, behind the line with the names.
        flips: Flips::both(Flip::At("id,was,balance\n".len() as u64)),
    }
}

/// The first real run repairs everything, and its output is changed; the second one finds nothing to repair.
#[test]
fn sql_repair() {
    let database = database();
    assert_runs_and_detects_change("psql", |site| pair(site, &database));
}

#[test]
fn sql_repair_that_missed_something_fails() {
    if super::pair_run::is_skipped("psql") {
        return;
    }
    let database = database();
    let site = Site::new();
    let pair = pair(&site, &database);
    let title = ["candidates", "set", CANDIDATE, "--title", "A test"];
    site.0.call(&title).expect(0);
    let declare = ["candidates", "pair", CANDIDATE, pair.producer];
    site.0.call(&declare).expect(0);
    let spoil = "UPDATE account SET balance = 1 WHERE id = 9";
    site.run_with_change(&pair, "real-run", |_output| execute(&database, spoil));
    let run = site.run(&pair, "real-run");
    let output = run["producer"]["output_ref"].as_str().unwrap();
    let printed = std::fs::read_to_string(output.strip_prefix("file://").unwrap()).unwrap();
    // What was there before is on record.
    assert_eq!(printed, "id,was,balance\n9,1,90\n");
}
