//! Many programs look for their configuration and keys at home, and fail without.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use dotwrap_invoke::{ReadLimit, ReadProgress, ReadyThread, Stop, open_file, read_apart_by};

/// What a failed call's reason says then.
pub(crate) const HINT: &str =
    "; its HOME was an empty folder (`home = \"runner\"` in the contract gives it the runner's)";

/// How much of the end of standard error is searched, in bytes.
const SEARCHED: u64 = 8 * 1024;

/// Words of messages about a missing configuration or key, in lower case.
const WORDS: [&str; 6] = [
    "home",
    "config",
    "key",
    "credential",
    "pgpass",
    "known_hosts",
];

/// Whether a tool complained about what it looks for at home. Nothing that it printed gets into the record.
pub(crate) async fn is_missed(
    reader: Option<ReadyThread>,
    stderr: PathBuf,
    stop: &mut Stop,
) -> bool {
    let Some(reader) = reader else {
        return false;
    };
    let reading = move |_: &ReadLimit| end_of(&stderr).is_ok_and(|end| mentions_home(&end));
    let read = read_apart_by(reader, reading, stop, &ReadProgress::default()).await;
    read.unwrap_or(false)
}

fn end_of(path: &Path) -> io::Result<String> {
    // A tool can put a pipe into the place of the file.
    let Some(mut file): Option<File> = open_file(path)? else {
        return Ok(String::new());
    };
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(SEARCHED)))?;
    let mut end = Vec::new();
    file.take(SEARCHED).read_to_end(&mut end)?;
    Ok(String::from_utf8_lossy(&end).into_owned())
}

fn mentions_home(text: &str) -> bool {
    let text = text.to_lowercase();
    WORDS.iter().any(|word| text.contains(word))
}
