//! The manifest is what an installation of this contract has, on every version of PostgreSQL that the tests have.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use dotwrap_contract::{VERSION, contract_digest};
use dotwrap_testkit::{TestDatabase, Version};
use tokio_postgres::Client;

use super::FACTS;
use crate::question::Names;

/// What there is, by kind and name.
type Facts = BTreeMap<(String, String), String>;

#[tokio::test]
async fn manifest_equals_an_installation() {
    let mut of_versions = Vec::new();
    for version in Version::ALL {
        let database = TestDatabase::create(version).await;
        let client = database.superuser().await;
        let mut facts = facts(&client, "dot").await;
        facts.extend(migrations(&client).await);
        of_versions.push(facts);
    }
    let manifest = manifest(&of_versions[0], &of_versions[1]);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/release/objects.tsv");
    if std::env::var_os("DOTWRAP_WRITE_RELEASE").is_some() {
        std::fs::write(path, manifest).unwrap();
        return;
    }
    let written = std::fs::read_to_string(path).unwrap();
    let (written, manifest): (BTreeSet<_>, BTreeSet<_>) =
        (written.lines().collect(), manifest.lines().collect());
    let differences: Vec<_> = written.symmetric_difference(&manifest).collect();
    assert!(
        differences.is_empty(),
        "run this test once with DOTWRAP_WRITE_RELEASE=1, and look at what changed: {differences:#?}"
    );
}

fn manifest(oldest: &Facts, newest: &Facts) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "any\tcontract\t{VERSION}\t{}", contract_digest());
    let all: BTreeSet<_> = oldest.keys().chain(newest.keys()).collect();
    for key in all {
        let (kind, name) = key;
        match (oldest.get(key), newest.get(key)) {
            (Some(old), Some(new)) if old == new => {
                let _ = writeln!(text, "any\t{kind}\t{name}\t{old}");
            }
            (old, new) => {
                for (versions, digest) in [("15", old), ("16+", new)] {
                    if let Some(digest) = digest {
                        let _ = writeln!(text, "{versions}\t{kind}\t{name}\t{digest}");
                    }
                }
            }
        }
    }
    text
}

async fn migrations(client: &Client) -> Facts {
    let applied = "SELECT m.name, m.sha256 FROM dot.dot_contract_migration m";
    let rows = client.query(applied, &[]).await.expect("the catalogue");
    let kind = || "migration".to_owned();
    let facts = rows.iter().map(|row| ((kind(), row.get(0)), row.get(1)));
    facts.collect()
}

async fn facts(client: &Client, schema: &str) -> Facts {
    client
        .batch_execute("SET search_path = pg_catalog, pg_temp")
        .await
        .expect("the catalogue");
    let oid = client
        .query_one(
            "SELECT oid FROM pg_namespace WHERE nspname = $1",
            &[&schema],
        )
        .await
        .expect("the catalogue");
    let names = Names::new(schema, oid.get(0), "");
    let question = names.render(&format!(
        "{FACTS}\nSELECT f.kind, f.name, f.digest FROM fact f"
    ));
    let rows = client.query(&question, &[]).await.expect("the catalogue");
    let facts = rows
        .iter()
        .map(|row| ((row.get(0), row.get(1)), row.get(2)));
    facts.collect()
}
