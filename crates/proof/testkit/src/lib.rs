//! Test infrastructure: real servers of the oldest and the newest supported PostgreSQL, a real pgbouncer, and one
//! database per test, cloned from a template with the contract installed.
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
//! All tests of a run share the servers, whether the tests are threads or processes. A keeper process stops each server
//! soon after the last test. Where a program is missing, the test fails and names the command that provides it.

mod binaries;
mod cleanup;
mod contract;
mod database;
mod groups;
#[cfg(target_os = "linux")]
mod kernel;
mod pooler;
mod private;
mod relay;
mod server;
mod session;
mod signals;

pub use binaries::{Version, fetched_programs, pgbouncer, postgres_folder};
pub use database::TestDatabase;
pub use groups::own_control_group;
#[cfg(target_os = "linux")]
pub use kernel::{Kernel, with_kernel};
pub use pooler::Pooler;
pub use private::PrivateServer;
pub use relay::Relay;
pub use server::TestServer;
pub use session::connect;

/// Lets every test program act as the keeper of its servers: the embedded cluster starts the running executable again
/// as the keeper, and the `main` of a test harness cannot handle that call. This constructor runs before `main` and
/// does nothing in any other case.
#[ctor::ctor(unsafe)]
fn run_as_daemon_process() {
    if let Some(status) = dotwrap_embedded::run_if_asked() {
        std::process::exit(i32::from(status != std::process::ExitCode::SUCCESS));
    }
    signals::give_defaults();
}
