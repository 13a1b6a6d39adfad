//! The note that the ledger of a cluster was moved to another database. A later run that is recorded here would be
//! missing there, so the cluster is not used while the note is there.
use std::fs;
use std::path::PathBuf;

use jiff::Timestamp;

use crate::cluster_dir::ClusterDir;
use crate::error::Error;
use crate::files;

/// Where a ledger was moved to, and when.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Moved {
    /// The database, without a password.
    pub to: String,
    /// When it was done.
    pub at: Timestamp,
    /// The file with this note. Without it the cluster is used again.
    #[serde(skip_deserializing, default)]
    pub note: PathBuf,
}

/// Reads the note. One that cannot be understood counts: it was written for a reason.
pub(crate) fn read(home: &ClusterDir) -> Option<Moved> {
    let note = home.moved_note();
    let text = fs::read_to_string(&note).ok()?;
    let moved = serde_json::from_str(&text).unwrap_or_else(|_| Moved {
        to: "another database".to_owned(),
        at: Timestamp::UNIX_EPOCH,
        note: PathBuf::new(),
    });
    Some(Moved { note, ..moved })
}

pub(crate) fn write(home: &ClusterDir, to: &str) -> Result<Moved, Error> {
    let note = home.moved_note();
    let moved = Moved {
        to: to.to_owned(),
        at: Timestamp::now(),
        note: note.clone(),
    };
    let text = serde_json::json!({ "to": moved.to, "at": moved.at });
    files::replace(&note, format!("{text:#}\n").as_bytes())?;
    Ok(moved)
}
