//! Authentication. The permissions of the socket's folder exclude other accounts. Passwords exclude processes of the
//! same account that cannot read the password file, such as a sandboxed tool (decision 22).
//!
//! The file has libpq's format, so that `psql` can use it.
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use postgres_protocol::password::scram_sha_256;
use uuid::Uuid;

use crate::cluster_dir::ClusterDir;
use crate::error::{AtPath, Error};
use crate::{OWNER, RESERVE, SUPERUSER, files, single_user};

/// The first line of a `pg_hba.conf` that requires passwords. The user may add other lines.
const HBA_MARKER: &str = "# dotwrap: every account of this cluster has a password.";

/// Behind it.
const RULES: &str = "local all         all scram-sha-256\nlocal replication all scram-sha-256\n";

/// The connection limit of the owner. The rest of `max_connections` is for the operators' account and the superuser.
const OWNER_SESSIONS: u32 = MAX_CONNECTIONS - 20;

/// The maximum number of connections. An unused slot costs some kilobytes.
pub(crate) const MAX_CONNECTIONS: u32 = 400;

/// The passwords of the accounts that every cluster has.
#[derive(Clone)]
pub(crate) struct Passwords {
    owner: String,
    superuser: String,
    /// None in the file of an older dotwrap, whose cluster has no such account.
    reserve: Option<String>,
}

impl fmt::Debug for Passwords {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Passwords").finish_non_exhaustive()
    }
}

impl Passwords {
    /// 244 random bits each, in letters that nothing has to escape.
    fn new() -> Self {
        let random = || format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        Self {
            owner: random(),
            superuser: random(),
            reserve: Some(random()),
        }
    }

    /// The cluster's passwords; None where there is no password file.
    pub(crate) fn of(home: &ClusterDir) -> Result<Option<Self>, Error> {
        let path = home.passwords();
        let text = match fs::read(&path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).at("read", &path),
        };
        let of = |role: &str| {
            let begin = format!("*:*:*:{role}:");
            let mut found = text.lines().filter_map(|line| line.strip_prefix(&begin));
            found.next().map(str::to_owned)
        };
        let both = of(OWNER).zip(of(SUPERUSER));
        Ok(both.map(|(owner, superuser)| Self {
            owner,
            superuser,
            reserve: of(RESERVE),
        }))
    }

    /// The password of an account, where it is one of these.
    pub(crate) fn password(&self, role: &str) -> Option<&str> {
        match role {
            OWNER => Some(&self.owner),
            SUPERUSER => Some(&self.superuser),
            RESERVE => self.reserve.as_deref(),
            _ => None,
        }
    }

    fn each(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [OWNER, SUPERUSER, RESERVE]
            .into_iter()
            .filter_map(|role| Some((role, self.password(role)?)))
    }

    fn write(&self, home: &ClusterDir) -> Result<(), Error> {
        let lines = self.each();
        let text: String = lines
            .map(|(role, password)| format!("*:*:*:{role}:{password}\n"))
            .collect();
        files::replace(&home.passwords(), text.as_bytes())
    }

    /// SQL commands, one per line, that set the password verifiers: no program receives the passwords themselves.
    /// Creates accounts that an older dotwrap did not create.
    fn commands(&self) -> String {
        let make = format!(
            "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{RESERVE}') THEN CREATE ROLE {RESERVE} LOGIN IN \
             ROLE {OWNER}; END IF; END $$;\nALTER ROLE {OWNER} CONNECTION LIMIT {OWNER_SESSIONS};\n"
        );
        let set = |(role, password): (&str, &str)| {
            let verifier = scram_sha_256(password.as_bytes());
            format!("ALTER ROLE {role} PASSWORD '{verifier}';\n")
        };
        make + &self.each().map(set).collect::<String>()
    }
}

/// Sets new passwords on the running server, after other users could read the old ones. Open sessions stay; a new
/// session reads the file again.
///
/// A kill between the server and the file leaves a file with wrong passwords, which the next start replaces.
pub(crate) async fn replace_passwords(
    home: &ClusterDir,
    superuser: &tokio_postgres::Client,
) -> Result<(), tokio_postgres::Error> {
    let passwords = Passwords::new();
    // Password verifiers must not get into the log.
    let quiet = "SET log_statement = 'none'; SET log_min_error_statement = 'panic'; \
                 SET log_min_duration_statement = -1;\n";
    superuser.batch_execute(quiet).await?;
    superuser.batch_execute(&passwords.commands()).await?;
    if let Err(error) = passwords.write(home).and_then(|()| home.set_exposed(false)) {
        tracing::warn!(%error, "new passwords are not written; the next start makes others");
    }
    Ok(())
}

/// Whether the cluster requires passwords, and the password file exists.
pub(crate) fn requires_password(home: &ClusterDir) -> Result<bool, Error> {
    Ok(asks(&home.data())? && Passwords::of(home)?.is_some())
}

/// Whether no password needs to be set while no server runs: every account has one, and no other user could read the
/// file.
fn is_in_order(home: &ClusterDir) -> Result<bool, Error> {
    let has_all = Passwords::of(home)?.is_some_and(|found| found.reserve.is_some());
    Ok(has_all && asks(&home.data())? && !home.is_exposed())
}

/// Enables passwords in a new cluster.
pub(crate) fn provision(
    home: &ClusterDir,
    binaries: &Path,
    data: &Path,
    log: &File,
) -> Result<(), Error> {
    set_passwords(home, binaries, data, log)?;
    files::replace(&rules(data), format!("{HBA_MARKER}\n{RULES}").as_bytes())
}

/// Enables passwords in a cluster that an older dotwrap created, or whose passwords were lost. Lines of its
/// `pg_hba.conf` are kept after the new ones. The caller holds the server's lock: no server runs.
///
/// A kill at any point leaves a state that [`requires_password`] detects, or a complete one.
pub(crate) fn enable_passwords(home: &ClusterDir, binaries: &Path) -> Result<(), Error> {
    if is_in_order(home)? {
        return Ok(());
    }
    let data = home.data();
    set_passwords(home, binaries, &data, &single_user::log(home)?)?;
    if asks(&data)? {
        return Ok(());
    }
    let rules = rules(&data);
    let before = fs::read(&rules).at("read", &rules)?;
    let mut text = format!("{HBA_MARKER}\n{RULES}\n# What stood here before:\n").into_bytes();
    text.extend(before);
    files::replace(&rules, &text)
}

/// Removes a password file that does not match the server, so that the next start sets new passwords.
pub(crate) fn invalidate_passwords(home: &ClusterDir) -> Result<(), Error> {
    let path = home.passwords();
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error).at("remove", &path),
        _ => Ok(()),
    }
}

/// Sets new passwords for the accounts.
fn set_passwords(home: &ClusterDir, binaries: &Path, data: &Path, log: &File) -> Result<(), Error> {
    let passwords = Passwords::new();
    single_user::single_user(home, binaries, data, log, &passwords.commands())?;
    passwords.write(home)?;
    home.set_exposed(false)
}

fn asks(data: &Path) -> Result<bool, Error> {
    let rules = rules(data);
    let text = fs::read(&rules).at("read", &rules)?;
    Ok(text.starts_with(HBA_MARKER.as_bytes()))
}

fn rules(data: &Path) -> PathBuf {
    data.join("pg_hba.conf")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_shown() {
        let passwords = Passwords::new();
        assert_ne!(passwords.owner, passwords.superuser);
        let shown = format!("{passwords:?}");
        assert!(!shown.contains(&passwords.owner) && !shown.contains(&passwords.superuser));
        let commands = passwords.commands();
        assert!(!commands.contains(&passwords.owner) && !commands.contains(&passwords.superuser));
    }
}
