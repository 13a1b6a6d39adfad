//! A private PostgreSQL with the product's durability, which is killed and restarted.

use std::fs;
use std::time::Duration;

use dotwrap_embedded::{Cluster, Embedded};
use dotwrap_testkit::{Version, postgres_folder};
use tempfile::TempDir;
use tokio_postgres::{Client, Config, NoTls};

use crate::processes::{self, Process};

/// With track_commit_timestamp, so that a call can be compared with its receipt's commit.
const SETTINGS: [(&str, &str); 2] = [("track_commit_timestamp", "on"), ("max_connections", "200")];

/// The server.
pub(crate) struct Server {
    cluster: Option<Cluster>,
    /// Dropped after the server.
    folder: TempDir,
}

/// The PostgreSQL process to kill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KillTarget {
    /// One backend. The server then ends all others and recovers by itself.
    Session,
    /// The postmaster; its children notice.
    Postmaster,
    /// All processes at once.
    Everything,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cluster = start_in(&folder).await;
        Self {
            cluster: Some(cluster),
            folder,
        }
    }

    fn cluster(&self) -> &Cluster {
        self.cluster.as_ref().unwrap()
    }

    /// How programs connect.
    pub(crate) fn url(&self) -> String {
        self.cluster().url()
    }

    /// The connection of the checks.
    pub(crate) fn config(&self) -> Config {
        self.cluster().superuser_config("dotwrap")
    }

    /// The socket that it listens on.
    pub(crate) fn socket(&self) -> std::path::PathBuf {
        let folder = self.cluster().socket_folder();
        let entries = fs::read_dir(folder).unwrap().flatten();
        let mut sockets = entries.filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name.starts_with(".s.PGSQL.") && !name.ends_with(".lock")
        });
        sockets.next().unwrap().path()
    }

    /// Kills it.
    pub(crate) fn kill_9(&self, victim: KillTarget, dice: &mut fastrand::Rng) {
        let file = self.cluster().folder().join("data/postmaster.pid");
        let file = fs::read_to_string(file).unwrap();
        let postmaster: i32 = file.lines().next().unwrap().parse().unwrap();
        let children = processes::descendants(postmaster);
        let kill_postmaster = || {
            let _gone_already = nix::sys::signal::kill(
                nix::unistd::Pid::from_raw(postmaster),
                nix::sys::signal::Signal::SIGKILL,
            );
        };
        match victim {
            KillTarget::Session => {
                let is_session = |child: &&Process| child.command_line().contains("[local]");
                let sessions: Vec<&Process> = children.iter().filter(is_session).collect();
                if let Some(session) = dice.choice(&sessions) {
                    session.kill_9();
                }
            }
            KillTarget::Postmaster => kill_postmaster(),
            KillTarget::Everything => {
                kill_postmaster();
                children.into_iter().for_each(Process::kill_9);
            }
        }
    }

    /// Starts it again, or waits until it has recovered by itself.
    pub(crate) async fn restart(&mut self) {
        // Releases this process's share only then: the keeper must not find the server unused.
        let again = start_in(&self.folder).await;
        self.cluster = Some(again);
        drop(self.client().await);
    }

    /// A session as the superuser, once the server takes one.
    pub(crate) async fn client(&self) -> Client {
        let config = self.config();
        for _ in 0..1_200 {
            if let Ok((client, connection)) = config.connect(NoTls).await {
                tokio::spawn(connection);
                if client.simple_query("SELECT 1").await.is_ok() {
                    return client;
                }
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the server takes no session for a minute");
    }
}

async fn start_in(folder: &TempDir) -> Cluster {
    let mut embedded =
        Embedded::in_folder(folder.path()).with_binaries(postgres_folder(Version::V15));
    for (name, value) in SETTINGS {
        embedded = embedded.with_setting(name, value);
    }
    match embedded.start().await {
        Ok(cluster) => cluster,
        Err(error) => panic!("the private server does not start: {error}"),
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.cluster.take().map(Cluster::stop_if_unused) {
            eprintln!("{error}");
        }
    }
}
