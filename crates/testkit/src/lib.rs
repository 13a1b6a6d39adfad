//! What the tests stand on: real servers of the oldest and the newest supported PostgreSQL, a real pgbouncer, and a database
//! of its own for each test, cloned from a template that has the contract installed.
//!
//! ```no_run
//! # use dotwrap_testkit::{TestDatabase, Version};
//! # async fn example() {
//! let database = TestDatabase::create(Version::V15).await;
//! let observer = database.client_as("dot_observer").await;
//! observer.batch_execute("SELECT 1").await.unwrap();
//! # }
//! ```
//!
//! The servers are shared by all tests of a run, whether these are threads of one process or processes of their own, and are
//! stopped by their keepers soon after the last one. A missing part fails the test with a message that says how to get it.

mod binaries;
mod cleanup;
mod contract;
mod database;
mod groups;
#[cfg(target_os = "linux")]
mod kernel;
mod pooler;
mod private;
mod server;
mod session;
mod signals;

pub use binaries::{Version, pgbouncer, postgres_folder};
pub use database::TestDatabase;
pub use groups::own_control_group;
#[cfg(target_os = "linux")]
pub use kernel::{Kernel, with_kernel};
pub use pooler::Pooler;
pub use private::PrivateServer;
pub use server::TestServer;
pub use session::connect;

/// Every test program can be its own servers' keeper: the embedded cluster starts the running executable again for that, and
/// a test harness has no `main` of ours that could answer. It runs before that `main`, and does nothing in any other case.
#[ctor::ctor(unsafe)]
fn run_as_daemon_process() {
    if let Some(status) = dotwrap_embedded::run_if_asked() {
        std::process::exit(i32::from(status != std::process::ExitCode::SUCCESS));
    }
    signals::give_defaults();
}
