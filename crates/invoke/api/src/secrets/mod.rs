//! Secrets that a tool was given, and whether it says them back, in whatever spelling.
//!
//! A text is searched as it stands, and decoded up to [`ROUNDS`] times: JSON's and a shell's backslash escapes, percent
//! signs, and the entities of HTML. In each form the secret is looked for as it is, in Base64 (both alphabets, at any
//! of the three offsets, across line breaks) and in hexadecimal. What is encrypted, compressed or cut in pieces is
//! not found.

mod names;
mod spellings;
#[cfg(test)]
mod tests;

use std::{
    fmt, fs,
    io::{self, Read},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    time::Duration,
};

use aho_corasick::AhoCorasick;
use serde_json::Value as Json;
use tokio::time::Instant;

use self::{
    names::{is_secret_name, password_in},
    spellings::{ROUNDS, decode, spellings},
};
use crate::{Answer, CallOutcome, ReadLimit, open_file, output::Walk, reading::read_before};

/// How much of a file is searched at once, in bytes.
const PIECE: usize = 1 << 20;

/// How many times longer than itself a secret may be spelled and still be found at the edge of two pieces.
const MAX_EXPANSION: usize = 64;

/// How long transcripts are searched of a call that came to nothing.
const SEARCH_TIME: Duration = Duration::from_secs(5);

const HIDDEN: &str = "(hidden)";

/// What must not be said. It has no way to be shown. Cheap to clone.
#[derive(Clone, Default)]
pub struct Secrets {
    search: Option<AhoCorasick>,
    longest: usize,
}

impl Secrets {
    /// These; those of less than 8 characters are left out, as they would be found in anything.
    pub fn new(values: impl IntoIterator<Item = String>) -> Self {
        let mut needles: Vec<Vec<u8>> = Vec::new();
        for value in values {
            needles.extend(spellings(value.into_bytes()));
        }
        needles.sort();
        needles.dedup();
        let longest = needles.iter().map(Vec::len).max().unwrap_or(0);
        let search = match needles.is_empty() {
            true => None,
            false => AhoCorasick::new(&needles).ok(),
        };
        Self { search, longest }
    }

    /// The values of those variables of this process's environment whose names say that they are secrets (`API_TOKEN`,
    /// `PGPASSWORD`), and the passwords in addresses. Other variables are settings: a database's name may be in every
    /// output.
    pub fn of_environment<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self::of_variables(names, [])
    }

    /// As [`Secrets::of_environment`], and these values, whatever the names of their variables say, with the passwords in
    /// those that are addresses.
    pub fn of_variables<'a>(
        names: impl IntoIterator<Item = &'a str>,
        values: impl IntoIterator<Item = String>,
    ) -> Self {
        let named = names.into_iter().filter_map(|name| {
            let value = std::env::var(name).ok()?;
            match is_secret_name(name) {
                true => Some(value),
                false => password_in(&value),
            }
        });
        let values = values.into_iter().flat_map(|value| {
            let password = password_in(&value);
            [Some(value), password].into_iter().flatten()
        });
        Self::new(named.chain(values))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.search.is_none()
    }

    /// Whether a text says one.
    pub fn is_in(&self, text: &[u8]) -> bool {
        let Some(search) = &self.search else {
            return false;
        };
        if is_found(search, text) {
            return true;
        }
        let mut decoded = text.to_vec();
        for _ in 0..ROUNDS {
            let next = decode(&decoded);
            if next == decoded {
                return false;
            }
            if is_found(search, &next) {
                return true;
            }
            decoded = next;
        }
        false
    }

    /// Whether a file says one, or anything in a folder, names and links included. What cannot be looked at says
    /// nothing.
    ///
    /// # Errors
    /// The limit's.
    pub fn is_in_output(&self, path: &Path, limit: &ReadLimit) -> io::Result<bool> {
        if self.is_empty() {
            return Ok(false);
        }
        let walk = match Walk::of(path, limit) {
            Err(error) if error.kind() != io::ErrorKind::TimedOut => return Ok(false),
            walk => walk?,
        };
        for entry in walk {
            let found = match entry {
                Ok(entry) => self.is_in_entry(&entry.path, path, limit),
                Err(error) => Err(error),
            };
            match found {
                Ok(true) => return Ok(true),
                Err(error) if error.kind() == io::ErrorKind::TimedOut => return Err(error),
                Ok(false) | Err(_) => {}
            }
        }
        Ok(false)
    }

    fn is_in_entry(&self, path: &Path, output: &Path, limit: &ReadLimit) -> io::Result<bool> {
        let below = path.strip_prefix(output).unwrap_or(path);
        if self.is_in(below.as_os_str().as_bytes()) {
            return Ok(true);
        }
        if let Ok(target) = fs::read_link(path) {
            return Ok(self.is_in(target.as_os_str().as_bytes()));
        }
        match open_file(path) {
            Ok(Some(file)) => self.is_read_from(limit.reader(file)),
            _ => Ok(false),
        }
    }

    /// Whether what is read says one.
    fn is_read_from(&self, mut source: impl Read) -> io::Result<bool> {
        let overlap = self.longest * MAX_EXPANSION;
        let mut piece = Vec::new();
        loop {
            let read = source
                .by_ref()
                .take((PIECE + overlap) as u64)
                .read_to_end(&mut piece)?;
            if self.is_in(&piece) {
                return Ok(true);
            }
            if read == 0 {
                return Ok(false);
            }
            piece.drain(..piece.len().saturating_sub(overlap));
        }
    }

    /// Removes those of our own transcripts of a tool that say one, and those that cannot be searched in time.
    /// Whether any was.
    pub async fn purge(&self, transcripts: Vec<PathBuf>) -> bool {
        if self.is_empty() {
            return false;
        }
        let (secrets, searched) = (self.clone(), transcripts.clone());
        let search = move |limit: &ReadLimit| -> Vec<PathBuf> {
            let says_one = |path: &PathBuf| secrets.is_in_output(path, limit).unwrap_or(true);
            searched.into_iter().filter(says_one).collect()
        };
        let deadline = Instant::now() + SEARCH_TIME;
        let found = read_before(search, deadline).await;
        let mut is_any = false;
        for transcript in found.unwrap_or(transcripts) {
            is_any |= fs::remove_file(&transcript).is_ok();
        }
        is_any
    }

    /// A text without any. One that says a secret is left out as a whole: it may say it in pieces, too.
    pub fn hide(&self, text: String) -> String {
        match self.is_in(text.as_bytes()) {
            true => HIDDEN.to_owned(),
            false => text,
        }
    }

    /// Hides whatever an answer would bring into the ledger.
    #[must_use]
    pub fn hidden_in(&self, mut answer: Answer) -> Answer {
        if self.is_empty() {
            return answer;
        }
        let evidence = std::mem::take(&mut answer.evidence);
        answer.evidence = evidence
            .into_iter()
            .map(|(name, fact)| (self.hide(name), self.hide_json(fact)))
            .collect();
        match &mut answer.ending {
            CallOutcome::Completed => {}
            CallOutcome::Failed(failure) => {
                failure.message = self.hide(std::mem::take(&mut failure.message));
            }
            CallOutcome::Stopped(record) => {
                for text in [
                    &mut record.signals_sent,
                    &mut record.exited,
                    &mut record.possible_effects,
                ]
                .into_iter()
                .flatten()
                {
                    *text = self.hide(std::mem::take(text));
                }
            }
        }
        answer
    }

    fn hide_json(&self, json: Json) -> Json {
        match json {
            Json::String(text) => Json::String(self.hide(text)),
            Json::Array(items) => items.into_iter().map(|item| self.hide_json(item)).collect(),
            Json::Object(members) => members
                .into_iter()
                .map(|(name, value)| (self.hide(name), self.hide_json(value)))
                .collect(),
            other => other,
        }
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secrets(…)")
    }
}

fn is_found(search: &AhoCorasick, text: &[u8]) -> bool {
    if search.is_match(text) {
        return true;
    }
    let is_break = |byte: &u8| matches!(byte, b'\r' | b'\n');
    text.iter().any(is_break) && {
        let joined: Vec<u8> = text
            .iter()
            .copied()
            .filter(|byte| !is_break(byte))
            .collect();
        search.is_match(&joined)
    }
}
