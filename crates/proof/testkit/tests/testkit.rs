//! Tests of the testkit.

use dotwrap_testkit::{Pooler, PrivateServer, TestDatabase, Version};

#[tokio::test]
async fn each_test_has_a_database_of_its_own_on_both_versions() {
    for version in Version::ALL {
        let (one, other) =
            tokio::join!(TestDatabase::create(version), TestDatabase::create(version));
        one.owner_client()
            .await
            .batch_execute("CREATE TABLE mine ()")
            .await
            .unwrap();
        other
            .owner_client()
            .await
            .batch_execute("CREATE TABLE mine ()")
            .await
            .unwrap();
        let name = one.name().to_owned();
        drop(one);
        let row = other
            .superuser()
            .await
            .query_one(
                "SELECT count(*) FROM pg_database WHERE datname = $1",
                &[&name],
            )
            .await
            .unwrap();
        assert_eq!(row.get::<_, i64>(0), 0, "the database outlived its value");
    }
}

#[tokio::test]
async fn the_contract_is_installed_and_each_of_its_roles_can_connect() {
    for version in Version::ALL {
        let database = TestDatabase::create(version).await;
        for role in [
            "reader", "observer", "runner", "operator", "relay", "archiver",
        ] {
            let client = database.client_as(&format!("dot_{role}")).await;
            client
                .query("SELECT * FROM dot.v_dot_gate", &[])
                .await
                .unwrap();
        }
    }
}

#[tokio::test]
async fn the_owner_of_an_empty_database_is_no_superuser_and_may_create_roles() {
    for version in Version::ALL {
        let database = TestDatabase::empty(version).await;
        let owner = database.owner_client().await;
        let row = owner
            .query_one(
                "SELECT rolsuper, rolcreaterole FROM pg_roles WHERE rolname = current_user",
                &[],
            )
            .await
            .unwrap();
        assert_eq!(
            (row.get::<_, bool>(0), row.get::<_, bool>(1)),
            (false, true)
        );
        let role = format!("{}_reader", database.role_prefix());
        owner
            .batch_execute(&format!(
                "CREATE ROLE {role} LOGIN; CREATE SCHEMA dot; GRANT USAGE ON SCHEMA dot TO {role}"
            ))
            .await
            .unwrap();
        let superuser =
            dotwrap_testkit::connect(&database.server().superuser_config("postgres")).await;
        drop(database);
        let left = superuser
            .query_one("SELECT count(*) FROM pg_roles WHERE rolname = $1", &[&role])
            .await
            .unwrap();
        assert_eq!(left.get::<_, i64>(0), 0, "the role outlived its database");
    }
}

#[tokio::test]
async fn the_pooler_gives_transactions_of_one_client_to_several_servers() {
    let database = TestDatabase::empty(Version::V15).await;
    let pooler = Pooler::transaction_mode(&database).await;
    let mut one = pooler.client_as(database.owner()).await;
    let other = pooler.client_as(database.owner()).await;
    let mut seen = std::collections::HashSet::new();
    for _ in 0..6 {
        // While one transaction is open, the other client needs a second server session.
        let open = one.transaction().await.unwrap();
        let pid = "SELECT pg_backend_pid()";
        let rows = open.simple_query(pid).await.unwrap();
        seen.insert(text(&rows));
        other.simple_query(pid).await.unwrap();
        open.commit().await.unwrap();
    }
    assert!(seen.len() > 1, "{seen:?}");
}

fn text(rows: &[tokio_postgres::SimpleQueryMessage]) -> String {
    rows.iter()
        .find_map(|row| match row {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        })
        .expect("a row")
}

#[tokio::test]
async fn private_server_is_durable_and_leaves_no_files() {
    let server = PrivateServer::start(Version::V18, &[("max_connections", "20")]).await;
    let client = dotwrap_testkit::connect(&server.config()).await;
    let row = client
        .query_one(
            "SELECT current_setting('fsync'), current_setting('max_connections')",
            &[],
        )
        .await
        .unwrap();
    assert_eq!((row.get::<_, &str>(0), row.get::<_, &str>(1)), ("on", "20"));
    let folder = server.cluster().folder().to_owned();
    drop(client);
    drop(server);
    assert!(!folder.exists());
}
