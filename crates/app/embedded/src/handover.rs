//! Gate changes without a new connection: where the operator cannot connect, the keeper changes the gate on its
//! reserved connection.
//!
//! The request is a file in the cluster's home. Only the account itself can write there: a sandboxed tool cannot, and
//! unused connections cannot block it, as they could block a socket.
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::cluster_dir::ClusterDir;
use crate::error::{AtPath, Error};
use crate::files;
use crate::lock::Lock;

/// The interval at which the answer is polled.
const PAUSE: Duration = Duration::from_millis(20);

/// An older request is not executed: its caller has timed out.
const STALE: Duration = Duration::from_secs(60);

/// The size limit of a request.
const LONGEST: u64 = 64 * 1024;

const REQUEST: &str = "request";
const ANSWER: &str = "answer";

/// A change of a gate, as `fn_dot_gate_set` takes it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GateChange {
    /// The schema of the installation.
    pub schema: String,
    /// The gate's key.
    pub key: String,
    /// The gate's new text.
    pub value: String,
    /// The actor.
    pub actor: String,
    /// The reason.
    pub reason: String,
    /// Whether the runs that are under way finish.
    #[serde(default)]
    pub let_finish: bool,
    /// Whether they are stopped without the grace of their contracts.
    #[serde(default)]
    pub stop_now: bool,
}

/// The result of a handed-over change.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum GateAnswer {
    /// The change was made; this is the new posture.
    Posture(String),
    /// The database refused it.
    Refused {
        /// Its SQLSTATE.
        sqlstate: String,
        /// The refusal's code, where the contract refused.
        code: Option<String>,
        /// The message.
        message: String,
        /// The remedy.
        hint: Option<String>,
    },
    /// The keeper's own connection did not answer.
    Unreachable(String),
}

/// Hands a change to the keeper and waits for its answer up to the timeout. None where no keeper runs, or where it did
/// not answer.
pub(crate) async fn hand_over(
    home: &ClusterDir,
    change: &GateChange,
    wait_limit: Duration,
) -> Result<Option<GateAnswer>, Error> {
    if !Lock::is_held(&home.keeper_lock())? {
        return Ok(None);
    }
    let folder = home.handover();
    make_folder(&folder)?;
    let name = Uuid::new_v4().simple().to_string();
    let [request, answer] = [REQUEST, ANSWER].map(|kind| folder.join(&name).with_extension(kind));
    let text = serde_json::to_vec(change).unwrap_or_default();
    files::replace(&request, &text)?;
    let begun = Instant::now();
    let found = loop {
        if let Ok(text) = fs::read(&answer) {
            break serde_json::from_slice(&text).ok();
        }
        if begun.elapsed() > wait_limit {
            break None;
        }
        tokio::time::sleep(PAUSE).await;
    };
    // The caller no longer waits for it.
    let _ = fs::remove_file(&request);
    let _ = fs::remove_file(&answer);
    Ok(found)
}

fn make_folder(folder: &Path) -> Result<(), Error> {
    use std::os::unix::fs::DirBuilderExt;
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(error).at("create", folder)
        }
        _ => Ok(()),
    }
}

/// A pending request.
pub(crate) struct Waiting {
    path: PathBuf,
    pub(crate) change: GateChange,
}

impl Waiting {
    /// Answers it.
    pub(crate) fn answer(self, answer: &GateAnswer) {
        let text = serde_json::to_vec(answer).unwrap_or_default();
        let _ = fs::remove_file(&self.path);
        if let Err(error) = files::replace(&self.path.with_extension(ANSWER), &text) {
            tracing::warn!(%error, "an answer cannot be written");
        }
    }
}

/// The pending requests. Removes stale or unreadable ones, and answers that were never read.
pub(crate) fn waiting(home: &ClusterDir) -> Vec<Waiting> {
    let Ok(entries) = fs::read_dir(home.handover()) else {
        return Vec::new();
    };
    let read = |path: PathBuf| {
        let found = path.symlink_metadata().ok()?;
        let age = SystemTime::now().duration_since(found.modified().ok()?);
        let is_stale = age.is_ok_and(|age| age > STALE);
        let is_request = path.extension().is_some_and(|kind| kind == REQUEST);
        if !is_stale && !is_request {
            return None;
        }
        let is_usable = found.is_file() && found.len() <= LONGEST && !is_stale;
        let text = is_usable.then(|| fs::read(&path).ok()).flatten();
        let change = text.and_then(|text| serde_json::from_slice(&text).ok());
        if change.is_none() {
            let _ = fs::remove_file(&path);
        }
        Some(Waiting {
            change: change?,
            path,
        })
    };
    entries
        .flatten()
        .filter_map(|entry| read(entry.path()))
        .collect()
}
