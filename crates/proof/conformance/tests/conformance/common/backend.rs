//! The backends, and one database per test on each of them.

use dotwrap_testkit::{Pooler, TestDatabase, Version};
use rstest_reuse::template;
use tokio_postgres::{Client, Config};

use super::fixtures;

/// Where the contract has to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    /// The oldest supported PostgreSQL.
    Pg15,
    /// The newest.
    Pg18,
    /// The oldest one behind pgbouncer in transaction mode.
    Pooled,
}

impl Backend {
    pub(crate) fn version(self) -> Version {
        match self {
            Self::Pg15 | Self::Pooled => Version::V15,
            Self::Pg18 => Version::V18,
        }
    }
}

/// For tests whose clients keep no state between transactions.
#[template]
#[rstest::rstest]
#[case::pg15(Backend::Pg15)]
#[case::pg18(Backend::Pg18)]
#[case::pooled(Backend::Pooled)]
#[tokio::test]
pub(crate) async fn on_each_backend(#[case] backend: Backend) {}

/// For tests that need a session (`SET ROLE`, a superuser), or ask what no pooler has a part in.
#[template]
#[rstest::rstest]
#[case::pg15(Backend::Pg15)]
#[case::pg18(Backend::Pg18)]
#[tokio::test]
pub(crate) async fn on_each_version(#[case] backend: Backend) {}

/// A database with the contract and a small registry, and the way to it.
pub(crate) struct TestContext {
    /// Dropped before the database.
    pooler: Option<Pooler>,
    database: TestDatabase,
}

impl TestContext {
    /// The contract as shipped, and the DOTs of [`fixtures`].
    pub(crate) async fn new(backend: Backend) -> Self {
        let stage = Self::around(backend, TestDatabase::create(backend.version()).await).await;
        fixtures::register(&stage).await;
        stage
    }

    /// A database with nothing in it.
    pub(crate) async fn empty(backend: Backend) -> Self {
        Self::around(backend, TestDatabase::empty(backend.version()).await).await
    }

    async fn around(backend: Backend, database: TestDatabase) -> Self {
        let pooler = match backend {
            Backend::Pooled => Some(Pooler::transaction_mode(&database).await),
            Backend::Pg15 | Backend::Pg18 => None,
        };
        Self { pooler, database }
    }

    pub(crate) fn database(&self) -> &TestDatabase {
        &self.database
    }

    /// A session as `dot_<role>`, as a client of this backend has it.
    pub(crate) async fn client(&self, role: &str) -> Client {
        dotwrap_testkit::connect(&self.config(&format!("dot_{role}"))).await
    }

    /// As many sessions as that.
    pub(crate) async fn clients(&self, role: &str, number: usize) -> Vec<Client> {
        let mut clients = Vec::new();
        for _ in 0..number {
            clients.push(self.client(role).await);
        }
        clients
    }

    /// A session of the installing user, connected as a client of this backend.
    pub(crate) async fn installer(&self) -> Client {
        dotwrap_testkit::connect(&self.config(self.database.owner())).await
    }

    /// A session of the superuser, never pooled: the stage hand, who is no client of the contract.
    pub(crate) async fn superuser(&self) -> Client {
        self.database.superuser().await
    }

    fn config(&self, role: &str) -> Config {
        match &self.pooler {
            Some(pooler) => pooler.config_as(role),
            None => self.database.config_as(role),
        }
    }
}
