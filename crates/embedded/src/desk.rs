//! What a keeper does besides starting and stopping the server: it keeps one connection, makes on it what is handed over, and
//! looks after the modes of the cluster's files.

use std::path::PathBuf;
use std::pin::pin;
use std::time::{Duration, Instant};

use tokio::time::{sleep, timeout};
use tokio_postgres::{Client, Config, NoTls};

use crate::auth::{self, Passwords};
use crate::cluster_dir::ClusterDir;
use crate::handover::{self, GateAnswer, GateChange};
use crate::postmaster::Postmaster;
use crate::{DATABASE, RESERVE, SUPERUSER, modes, probe, silent};

/// How long opening a connection, or a statement on it, may take. The keeper has other things to do.
const PATIENCE: Duration = Duration::from_secs(3);

/// How often a lost connection is made again, and modes are looked at.
const EVERY: Duration = Duration::from_secs(1);

/// How long a session may say nothing where somebody waits for the keeper, and where nobody does. An honest one says who comes within some
/// milliseconds.
const SILENT: Duration = Duration::from_secs(1);
const SILENT_AT_EASE: Duration = Duration::from_secs(5);

/// How often those that say nothing are ended while the keeper waits for a session.
const MAKING_ROOM: Duration = Duration::from_millis(100);

/// How soon it is tried again where the server refuses.
const AGAIN: Duration = Duration::from_millis(20);

/// The keeper's desk.
#[derive(Default)]
pub(crate) struct Desk {
    kept: Option<Client>,
    looked_at: Option<Instant>,
}

impl Desk {
    /// Does what is due.
    pub(crate) async fn attend(&mut self, home: &ClusterDir) {
        let is_due = self
            .looked_at
            .is_none_or(|looked_at| looked_at.elapsed() >= EVERY);
        if is_due {
            self.looked_at = Some(Instant::now());
            self.look_after(home).await;
        }
        for waiting in handover::waiting(home) {
            if self.has_no_connection() {
                self.kept = open_kept(home).await;
            }
            let Some(kept) = &self.kept else {
                // It waits for the connection; whoever asked knows when to give up.
                return;
            };
            let answer = change_gate(kept, &waiting.change).await;
            if matches!(answer, GateAnswer::Unreachable(_)) {
                self.kept = None;
            }
            waiting.answer(&answer);
        }
    }

    fn has_no_connection(&self) -> bool {
        self.kept.as_ref().is_none_or(Client::is_closed)
    }

    async fn look_after(&mut self, home: &ClusterDir) {
        match home.close_to_others() {
            Ok(was_open) => modes::note(home, was_open),
            Err(error) => tracing::warn!(%error, "the home can not be looked after"),
        }
        modes::mend(home);
        if self.has_no_connection() {
            self.kept = open_kept(home).await;
        }
        if home.is_exposed()
            && let Some(superuser) = open(home, SUPERUSER, "postgres").await
        {
            match timeout(PATIENCE, auth::replace_passwords(home, &superuser)).await {
                Ok(Ok(())) => {
                    let what = format!("{}: new passwords are set", home.passwords().display());
                    modes::note(home, [what]);
                }
                Ok(Err(error)) => tracing::warn!(%error, "no new passwords yet"),
                Err(_) => tracing::warn!("no new passwords yet: the server does not answer"),
            }
        }
    }
}

/// The session that is kept. Where the server takes none, others that say nothing make room: sooner where somebody waits.
async fn open_kept(home: &ClusterDir) -> Option<Client> {
    let begun = Instant::now();
    loop {
        let mut opened = pin!(open(home, RESERVE, DATABASE));
        let found = loop {
            tokio::select! {
                found = &mut opened => break found,
                () = sleep(MAKING_ROOM) => {}
            }
            make_room(home);
        };
        let is_urgent = !handover::waiting(home).is_empty();
        if found.is_some() || !is_urgent || begun.elapsed() > PATIENCE {
            return found;
        }
        make_room(home);
        sleep(AGAIN).await;
    }
}

fn make_room(home: &ClusterDir) {
    let is_urgent = !handover::waiting(home).is_empty();
    silent::end(home, if is_urgent { SILENT } else { SILENT_AT_EASE });
}

/// A session of the running server, if it takes one.
async fn open(home: &ClusterDir, role: &str, database: &str) -> Option<Client> {
    let socket: PathBuf = Postmaster::running(&home.data())?.socket?;
    let passwords = Passwords::of(home).ok()??;
    passwords.password(role)?;
    let mut config: Config = probe::account(&socket, Some(&passwords), role, database);
    config.application_name("dotwrap-keeper");
    match timeout(PATIENCE, config.connect(NoTls)).await {
        Ok(Ok((client, connection))) => {
            tokio::spawn(connection);
            Some(client)
        }
        Ok(Err(error)) => {
            tracing::debug!(%error, "the keeper has no connection");
            None
        }
        Err(_) => None,
    }
}

async fn change_gate(kept: &Client, change: &GateChange) -> GateAnswer {
    let GateChange {
        schema,
        key,
        value,
        actor,
        reason,
    } = change;
    let schema = schema.replace('"', "\"\"");
    let statement = format!("SELECT \"{schema}\".fn_dot_gate_set($1, $2, $3, $4)");
    let query = async {
        kept.query_one(&statement, &[key, value, actor, reason])
            .await
    };
    let error = match timeout(PATIENCE, query).await {
        Ok(Ok(row)) => {
            return match row.try_get(0) {
                Ok(posture) => GateAnswer::Posture(posture),
                Err(error) => GateAnswer::Unreachable(error.to_string()),
            };
        }
        Ok(Err(error)) => error,
        Err(_) => {
            return GateAnswer::Unreachable(format!("no answer within {PATIENCE:?}"));
        }
    };
    match error.as_db_error() {
        Some(said) => GateAnswer::Refused {
            sqlstate: said.code().code().to_owned(),
            code: said.constraint().map(str::to_owned),
            message: said.message().to_owned(),
            hint: said.hint().map(str::to_owned),
        },
        None => GateAnswer::Unreachable(error.to_string()),
    }
}
