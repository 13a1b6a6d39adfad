//! One database per test.

use tokio_postgres::{Client, Config};

use crate::binaries::Version;
use crate::cleanup;
use crate::contract::{self, create_owner, run};
use crate::server::TestServer;
use crate::session::{connect, quoted};

/// A test's own database on a shared server; dropped with the value.
#[derive(Debug)]
pub struct TestDatabase {
    server: &'static TestServer,
    name: String,
    owner: String,
    role_prefix: String,
}

impl TestDatabase {
    /// A database with the contract installed: schema `dot`, role prefix `dot`, as shipped.
    ///
    /// The roles are the server's: a test that changes them, or installs the contract anew, takes
    /// [`TestDatabase::empty`].
    ///
    /// # Panics
    /// Where the server or the contract does not come up.
    pub async fn create(version: Version) -> Self {
        let server = TestServer::pg(version).await;
        let postgres = server.superuser_config("postgres");
        let template = server
            .template
            .get_or_init(|| contract::make_template(&postgres))
            .await;
        Self::clone_of(server, template, contract::OWNER.to_owned(), "dot").await
    }

    /// A database with nothing in it, and a plain owner of its own (`LOGIN CREATEROLE`, no superuser). A contract that
    /// is installed here takes the roles' prefix [`TestDatabase::role_prefix`]; they are dropped with the database.
    ///
    /// # Panics
    /// Where the server does not come up.
    pub async fn empty(version: Version) -> Self {
        let server = TestServer::pg(version).await;
        let prefix = cleanup::new_name();
        let owner = format!("{prefix}_login");
        let client = connect(&server.superuser_config("postgres")).await;
        create_owner(&client, &owner).await;
        Self::clone_of(server, "template1", owner, &prefix).await
    }

    async fn clone_of(
        server: &'static TestServer,
        template: &str,
        owner: String,
        role_prefix: &str,
    ) -> Self {
        let name = cleanup::new_name();
        let client = connect(&server.superuser_config("postgres")).await;
        let (database, template, login) = (quoted(&name), quoted(template), quoted(&owner));
        let create = format!("CREATE DATABASE {database} TEMPLATE {template} OWNER {login}");
        run(&client, &create).await;
        Self {
            server,
            name,
            owner,
            role_prefix: role_prefix.to_owned(),
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The plain role that owns it.
    #[must_use]
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// The prefix for the contract's roles in it.
    #[must_use]
    pub fn role_prefix(&self) -> &str {
        &self.role_prefix
    }

    /// The server that it is on.
    #[must_use]
    pub fn server(&self) -> &'static TestServer {
        self.server
    }

    /// The configuration for the server's superuser.
    #[must_use]
    pub fn superuser_config(&self) -> Config {
        self.server.superuser_config(&self.name)
    }

    /// The configuration for the plain owner.
    #[must_use]
    pub fn owner_config(&self) -> Config {
        self.config_as(&self.owner)
    }

    /// The configuration for any role, such as `dot_observer`.
    #[must_use]
    pub fn config_as(&self, role: &str) -> Config {
        self.server.config(role, &self.name)
    }

    /// The same as a URL.
    #[must_use]
    pub fn url_as(&self, role: &str) -> String {
        let host = self.server.socket_folder().display().to_string();
        let host = host.replace('%', "%25").replace(' ', "%20");
        format!("postgresql://{role}@/{}?host={host}", self.name)
    }

    /// A session as the server's superuser.
    pub async fn superuser(&self) -> Client {
        connect(&self.superuser_config()).await
    }

    /// A session as the plain owner.
    pub async fn owner_client(&self) -> Client {
        connect(&self.owner_config()).await
    }

    /// A session as any role, such as `dot_observer`.
    pub async fn client_as(&self, role: &str) -> Client {
        connect(&self.config_as(role)).await
    }
}

impl Drop for TestDatabase {
    /// In a thread with a runtime of its own: the test's may be ending, and a value is dropped where nothing can be
    /// awaited.
    fn drop(&mut self) {
        let postgres = self.server.superuser_config("postgres");
        let (name, prefix) = (self.name.clone(), self.role_prefix.clone());
        let cleaner = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                let Ok(client) = crate::session::try_connect(&postgres).await else {
                    return;
                };
                cleanup::drop_database(&client, &name).await;
                if prefix.starts_with("test_") {
                    cleanup::drop_roles(&client, &prefix).await;
                }
            });
        });
        // Best effort: what stays is removed when the server starts again.
        let _ = cleaner.join();
    }
}
