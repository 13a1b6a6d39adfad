//! What a tool says of itself, where what it printed is one JSON object.

use std::{
    fs::OpenOptions,
    io::{self, Read},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use nix::fcntl::OFlag;
use serde_json::{Map, Value as Json};

/// What is in a file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Said {
    /// One JSON object.
    Object(Map<String, Json>),
    /// Something else.
    Other,
    /// What begins like an object and is too long to be looked at.
    TooLong,
}

impl Said {
    /// Reads a file, at most so much of it. A link in its place is not followed, and nothing but a file is read.
    pub(crate) fn in_file(path: &Path, most: u64) -> io::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .custom_flags((OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits())
            .open(path)?;
        if !file.metadata()?.is_file() {
            return Ok(Self::Other);
        }
        let mut text = Vec::new();
        file.take(most + 1).read_to_end(&mut text)?;
        let begins_like_one = text.trim_ascii_start().first() == Some(&b'{');
        Ok(match serde_json::from_slice(&text) {
            _ if !begins_like_one => Self::Other,
            _ if text.len() as u64 > most => Self::TooLong,
            Ok(Json::Object(members)) => Self::Object(members),
            _ => Self::Other,
        })
    }

    /// Whether it says that it only pretended. Anything but a clear no is a yes: evidence must not be above what happened.
    pub(crate) fn is_mock(&self) -> bool {
        match self {
            Self::Object(members) => !matches!(
                members.get("is_mock"),
                None | Some(Json::Null | Json::Bool(false))
            ),
            Self::Other | Self::TooLong => false,
        }
    }
}
