//! The errors, each with its remedy.
use std::io;
use std::path::{Path, PathBuf};

use crate::binaries::{PassedOver, Version};
use crate::users::ServerUser;

/// An error of the embedded database. Every message ends with a remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No home folder is known, so there is no place for the data.
    #[error(
        "there is no home folder to keep the embedded database in; set DOTWRAP_HOME to a folder of your own, or \
         DATABASE_URL to a PostgreSQL of your own"
    )]
    NoHome,

    /// A file or folder of the embedded database cannot be used.
    #[error(
        "cannot {action} {}: {source}; mend that, set DOTWRAP_HOME to another folder, or DATABASE_URL to a PostgreSQL of \
         your own", path.display()
    )]
    File {
        /// What was tried, as a verb: "create", "open".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// There is no `/proc`, through which files are changed by their descriptors, and the keeper finds its program.
    #[error(
        "there is no /proc, without which the embedded database cannot be used: mount it (`mount -t proc proc /proc`), or set \
         DATABASE_URL to a PostgreSQL of your own"
    )]
    NoProc,

    /// PostgreSQL has no room for such a path.
    #[error(
        "the folder for the embedded database has a path of {length} bytes, and PostgreSQL takes {most}; set DOTWRAP_HOME to a \
         shorter one"
    )]
    PathTooLong {
        /// How long it is.
        length: usize,
        /// How long it may be.
        most: usize,
    },

    /// A server holds the cluster whose processes cannot be seen from here.
    #[error(
        "{} is held by a server whose process ({pid}) cannot be seen from here: another container, or another process \
         namespace, uses the same folder. Give each a DOTWRAP_HOME of its own, or let them share a database by DATABASE_URL",
        lock.display()
    )]
    RunsElsewhere {
        /// The server's lock.
        lock: PathBuf,
        /// Its process id, as it is called there.
        pid: i32,
    },

    /// The server is running but does not answer, and other processes use it.
    #[error(
        "the embedded server (process {pid}) gives no answer, and other dotwrap processes use it ({problem}); see whether it is \
         stopped (`kill -CONT {pid}` continues it), or its disk or machine overloaded"
    )]
    Silent {
        /// The process id of the server.
        pid: i32,
        /// What was met.
        problem: String,
    },

    /// Started as root, and the account that runs the server cannot reach the folder.
    #[error(
        "PostgreSQL does not run as root, and the account '{account}' that runs it instead cannot pass through {}; allow it \
         with `chmod o+x`, or set DOTWRAP_HOME to a folder that every account can reach", closed.display()
    )]
    Unreachable {
        /// The account that runs the server.
        account: String,
        /// The first folder on the way that is closed to it.
        closed: PathBuf,
    },

    /// Started as root, and there is no account to run the server as.
    #[error(
        "PostgreSQL does not run as root, and this system has neither an account 'postgres' nor 'nobody'; create one \
         (`useradd --system postgres`), run dotwrap as another user, or set DATABASE_URL"
    )]
    NoAccount,

    /// The user id has no name, and PostgreSQL makes no cluster for one without.
    #[error(
        "the user id {uid} has no name (no entry in /etc/passwd), and PostgreSQL's initdb refuses it: add an entry, install \
         libnss_wrapper (`apt-get install libnss-wrapper`, `dnf install nss_wrapper`), allow user namespaces, or set DATABASE_URL to a \
         PostgreSQL of your own"
    )]
    NamelessAccount {
        /// The user id.
        uid: u32,
    },

    /// The folder for the server's socket is not safe to use.
    #[error(
        "{} is not a folder that only the server's account can enter (somebody else may have put it there); remove it, or set \
         DOTWRAP_HOME to a shorter path so that it is not needed", path.display()
    )]
    UnsafeSocketFolder {
        /// The folder found.
        path: PathBuf,
    },

    /// The folder that was configured holds no usable PostgreSQL.
    #[error(
        "DOTWRAP_PG_BIN is {}, but {problem}; point it to the folder that holds `postgres` and `initdb` of PostgreSQL {oldest} \
         or newer, or unset it", path.display(), oldest = crate::binaries::OLDEST_MAJOR
    )]
    ConfiguredBinaries {
        /// The configured folder.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },

    /// This process may not open as many files as looking for PostgreSQL or fetching it takes.
    #[error(
        "PostgreSQL cannot be looked for: {problem}; this process may open too few files: raise `ulimit -n`"
    )]
    TooFewFiles {
        /// What the system said, and where.
        problem: String,
    },

    /// No PostgreSQL is installed, and none could be fetched.
    #[error(
        "no PostgreSQL {oldest} or newer is installed that can be used, and fetching one failed: {reason}{passed}\n{advice}\nOr set DOTWRAP_PG_BIN to \
         the folder that holds `postgres` and `initdb`, or DATABASE_URL to a PostgreSQL of your own.",
        oldest = crate::binaries::OLDEST_MAJOR, passed = list(passed_over)
    )]
    NoPostgres {
        /// Why the fetch failed.
        reason: String,
        /// What was found and does not serve.
        passed_over: Vec<PassedOver>,
        /// The command that installs PostgreSQL on this platform.
        advice: String,
    },

    /// The data belong to another major version than the programs found.
    #[error(
        "the data in {} were written by PostgreSQL {data}, and {}; nothing has been touched.{}\n{advice}, or \
         set DOTWRAP_PG_BIN to the folder with the programs of PostgreSQL {data}; to move the data to a newer version use \
         pg_upgrade or pg_dump with them, or set DOTWRAP_HOME to begin anew elsewhere", path.display(), describe(found), list(passed_over)
    )]
    VersionMismatch {
        /// The data folder.
        path: PathBuf,
        /// The major version that wrote it.
        data: u32,
        /// The versions that were found.
        found: Vec<Version>,
        /// What was found and does not serve.
        passed_over: Vec<PassedOver>,
        /// How to install the version that is needed.
        advice: String,
    },

    /// The data folder exists but is not a whole cluster.
    #[error(
        "{} is not a whole PostgreSQL data folder: {problem}; nothing has been touched. {}, or set DOTWRAP_HOME to begin anew \
         elsewhere", path.display(),
        if *has_data {
            "It holds data: restore what is missing, from a backup if need be"
        } else {
            "Move it away, restore it"
        }
    )]
    NotACluster {
        /// The data folder.
        path: PathBuf,
        /// What is missing.
        problem: String,
        /// Whether there is a cluster's data in it all the same.
        has_data: bool,
    },

    /// The data folder, or a file in it, is closed to the account that uses it.
    #[error(
        "{} cannot be read ({reason}); it holds the ledger, and nothing has been touched. Give it back to this account \
         (`chown -R`) and open it to it (`chmod -R u+rwX`), or run dotwrap as the account that it belongs to", path.display()
    )]
    DataClosed {
        /// The data folder.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },

    /// A program of PostgreSQL failed.
    #[error(
        "{program} failed ({status}):\n{output}\nMend what it says, or set DATABASE_URL to a PostgreSQL of your own"
    )]
    Program {
        /// Which one.
        program: String,
        /// Its exit status, or why it could not be started.
        status: String,
        /// The end of what it said.
        output: String,
    },

    /// Another process keeps a lock for longer than is plausible.
    #[error(
        "waited {seconds} s for another dotwrap that is {doing} the embedded database (lock {}); end it, or try again when it \
         is done", path.display()
    )]
    Busy {
        /// What the other is doing.
        doing: &'static str,
        /// The lock file.
        path: PathBuf,
        /// How long was waited.
        seconds: u64,
    },

    /// The server did not come up, or stopped at once.
    #[error("the embedded PostgreSQL did not start: {problem}\nThe end of its log, {}:\n{tail}", log.display())]
    NotStarted {
        /// What was seen.
        problem: String,
        /// The server's log.
        log: PathBuf,
        /// Its last lines.
        tail: String,
    },

    /// The server asks for passwords that are not known any more, and others still use it.
    #[error(
        "the embedded server asks for passwords, {} {}, and other dotwrap processes still use it; put the file back, or end \
         them and try again: new passwords are then made", path.display(),
        if path.exists() { "does not hold them" } else { "is not there" }
    )]
    LockedOut {
        /// Where the passwords should be.
        path: PathBuf,
    },

    /// The programs were replaced while the server runs, and other processes still use it.
    #[error(
        "PostgreSQL was upgraded beneath the running embedded server, new sessions fail ({problem}), and other dotwrap \
         processes still use it; end them and try again: the server then restarts by itself"
    )]
    UpgradedInUse {
        /// What a new session met.
        problem: String,
    },

    /// Other processes use the server.
    #[error("the embedded server is in use{}; end them first", in_words(users))]
    InUse {
        /// Those that can be seen.
        users: Vec<ServerUser>,
    },

    /// The file of a dump cannot be written, or exists.
    #[error("the dump cannot be written to {}: {source}; nothing was written", path.display())]
    DumpNotWritten {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// PostgreSQL is installed without this client program.
    #[error(
        "there is no {program} of PostgreSQL {major} or newer in {} or where PostgreSQL is usually installed. {advice}, with \
         its client programs", folder.display()
    )]
    NoClientProgram {
        /// `pg_dump` or `pg_restore`.
        program: &'static str,
        /// The folder of the server's programs.
        folder: PathBuf,
        /// The version that it has to have at least.
        major: u32,
        /// How to install it.
        advice: String,
    },

    /// A foreign server runs on this data folder.
    #[error(
        "process {pid} runs a PostgreSQL server on {} that dotwrap did not start; stop it (`pg_ctl stop -D …`) and try again",
        path.display()
    )]
    ForeignServer {
        /// The process id of that server.
        pid: i32,
        /// The data folder.
        path: PathBuf,
    },

    /// The server does not stop.
    #[error("the embedded server (process {pid}) does not stop; end it and try again")]
    NotStopped {
        /// The process id of the server.
        pid: i32,
    },
}

/// Refuses a Linux without `/proc`.
pub(crate) fn require_proc() -> Result<(), Error> {
    let has_proc = cfg!(not(target_os = "linux")) || Path::new("/proc/self/fd").exists();
    has_proc.then_some(()).ok_or(Error::NoProc)
}

/// Who uses the server, for a message.
fn in_words(users: &[ServerUser]) -> String {
    let users: Vec<String> = users.iter().map(|user| user.pid.to_string()).collect();
    match users.len() {
        0 => String::new(),
        1 => format!(" by process {}", users[0]),
        _ => format!(" by the processes {}", users.join(", ")),
    }
}

/// Several versions as text, for a message.
fn describe(found: &[Version]) -> String {
    if found.is_empty() {
        return "no PostgreSQL that can be used is found".to_owned();
    }
    let versions: Vec<String> = found
        .iter()
        .map(|version| format!("PostgreSQL {version}"))
        .collect();
    format!("only {} can be found", versions.join(", "))
}

/// The rejected programs, one line each.
fn list(passed_over: &[PassedOver]) -> String {
    let lines = passed_over.iter();
    let lines = lines.map(|PassedOver { path, problem }| {
        format!("\nPassed over: {}, because {problem}", path.display())
    });
    lines.collect()
}

/// Adds the action and the path to an I/O error.
pub(crate) trait AtPath<T> {
    /// Names the action and the path that the error belongs to.
    fn at(self, action: &'static str, path: &Path) -> Result<T, Error>;
}

impl<T> AtPath<T> for io::Result<T> {
    fn at(self, action: &'static str, path: &Path) -> Result<T, Error> {
        self.map_err(|source| Error::File {
            action,
            path: path.to_owned(),
            source,
        })
    }
}

/// Whether the system's words say that too many files are open, in this process or on the machine (`EMFILE`, `ENFILE`).
pub(crate) fn is_of_open_files(problem: &str) -> bool {
    ["(os error 24)", "(os error 23)"]
        .iter()
        .any(|number| problem.contains(number))
}
