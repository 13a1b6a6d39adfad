//! The keeper's tasks besides starting and stopping the server: it keeps one reserved connection, executes handed-over
//! requests on it, and corrects the modes of the cluster's files.
use std::path::PathBuf;
use std::pin::pin;
use std::time::{Duration, Instant};

use tokio::time::{sleep, timeout};
use tokio_postgres::{Client, Config, NoTls, types::ToSql};

use crate::auth::{self, Passwords};
use crate::cluster_dir::ClusterDir;
use crate::handover::{self, GateAnswer, GateChange};
use crate::postmaster::Postmaster;
use crate::{DATABASE, RESERVE, SUPERUSER, modes, probe, silent};

/// Time limit for connecting and for a statement. The keeper has other tasks.
const WAIT_LIMIT: Duration = Duration::from_secs(3);

/// The interval at which a lost connection is reopened and modes are checked.
const EVERY: Duration = Duration::from_secs(1);

/// How long a session may stay unauthenticated while the keeper needs a connection, and otherwise. A regular client
/// authenticates within milliseconds.
const SILENT: Duration = Duration::from_secs(1);
const SILENT_AT_EASE: Duration = Duration::from_secs(5);

/// The interval at which unauthenticated sessions are ended while the keeper waits for a connection.
const MAKING_ROOM: Duration = Duration::from_millis(100);

/// How soon it is tried again where the server refuses.
const AGAIN: Duration = Duration::from_millis(20);

/// The keeper's periodic tasks.
#[derive(Default)]
pub(crate) struct Desk {
    kept: Option<Client>,
    looked_at: Option<Instant>,
}

impl Desk {
    /// Executes the due tasks.
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
                // The request waits for the connection; its caller has its own timeout.
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
            Err(error) => tracing::warn!(%error, "the home cannot be looked after"),
        }
        modes::mend(home);
        if self.has_no_connection() {
            self.kept = open_kept(home).await;
        }
        if home.is_exposed()
            && let Some(superuser) = open(home, SUPERUSER, "postgres").await
        {
            match timeout(WAIT_LIMIT, auth::replace_passwords(home, &superuser)).await {
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

/// Opens the reserved session. Where the server has no slot left, ends unauthenticated sessions, earlier while a
/// request is waiting.
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
        if found.is_some() || !is_urgent || begun.elapsed() > WAIT_LIMIT {
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
    match timeout(WAIT_LIMIT, config.connect(NoTls)).await {
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
        let_finish,
        stop_now,
    } = change;
    let schema = schema.replace('"', "\"\"");
    let statement = format!(
        "SELECT \"{schema}\".fn_dot_gate_set($1, $2, $3, $4, p_let_finish => $5, p_stop_now => $6)"
    );
    let query = async {
        let values: [&(dyn ToSql + Sync); 6] = [key, value, actor, reason, let_finish, stop_now];
        kept.query_one(&statement, &values).await
    };
    let error = match timeout(WAIT_LIMIT, query).await {
        Ok(Ok(row)) => {
            return match row.try_get(0) {
                Ok(posture) => GateAnswer::Posture(posture),
                Err(error) => GateAnswer::Unreachable(error.to_string()),
            };
        }
        Ok(Err(error)) => error,
        Err(_) => {
            return GateAnswer::Unreachable(format!("no answer within {WAIT_LIMIT:?}"));
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
