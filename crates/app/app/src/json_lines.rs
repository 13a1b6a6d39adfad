//! A file of JSON lines: read twice, first to judge and digest all of it, then to hand its rows out.
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::Problem;

/// An open file of JSON lines. It stays open between the two readings, so that both read the same file.
#[derive(Debug)]
pub(crate) struct JsonLines {
    path: PathBuf,
    file: File,
}

/// What the first reading found.
#[derive(Debug)]
pub(crate) struct Scan {
    /// The SHA-256 of the whole file, in lower-case hex.
    pub sha256: String,
    /// The line that each row stands on, counted from 1; blank lines hold no row.
    pub lines: Vec<u64>,
}

impl JsonLines {
    /// Opens a file, or standard input for `-`. What cannot be read twice, a pipe, is kept in a temporary file
    /// meanwhile.
    pub(crate) fn open(path: &Path) -> Result<Self, Problem> {
        let (path, file) = match path == Path::new("-") {
            true => (Path::new("standard input"), buffered(io::stdin().lock())),
            false => (path, open_to_rewind(path)),
        };
        Ok(Self {
            file: file.map_err(|error| unreadable(path, &error))?,
            path: path.to_owned(),
        })
    }

    /// Digests the file and judges every row.
    pub(crate) fn survey(
        &mut self,
        judge: impl Fn(&Value) -> Result<(), String>,
    ) -> Result<Scan, Problem> {
        let mut digest = Sha256::new();
        let mut lines = Vec::new();
        self.each_line(|number, raw| {
            digest.update(raw);
            if let Some(row) = row(raw)? {
                judge(&row)?;
                lines.push(number);
            }
            Ok(())
        })?;
        Ok(Scan {
            sha256: format!("{:x}", digest.finalize()),
            lines,
        })
    }

    /// The rows from the beginning, one after the other.
    pub(crate) fn rows(
        &mut self,
    ) -> Result<impl Iterator<Item = Result<Value, Problem>> + use<>, Problem> {
        let path = self.path.clone();
        let mut file = self
            .file
            .try_clone()
            .map_err(|error| unreadable(&path, &error))?;
        file.rewind().map_err(|error| unreadable(&path, &error))?;
        let lines = BufReader::new(file).split(b'\n').enumerate();
        Ok(lines.filter_map(move |(index, raw)| match raw {
            Err(error) => Some(Err(unreadable(&path, &error))),
            Ok(raw) => row(&raw)
                .map_err(|reason| at(&path, index as u64 + 1, &reason))
                .transpose(),
        }))
    }

    fn each_line(
        &mut self,
        mut take: impl FnMut(u64, &[u8]) -> Result<(), String>,
    ) -> Result<(), Problem> {
        self.file
            .rewind()
            .map_err(|error| unreadable(&self.path, &error))?;
        let mut reader = BufReader::new(&self.file);
        let mut raw = Vec::new();
        let mut number = 0;
        while reader
            .read_until(b'\n', &mut raw)
            .map_err(|error| unreadable(&self.path, &error))?
            > 0
        {
            number += 1;
            take(number, &raw).map_err(|reason| at(&self.path, number, &reason))?;
            raw.clear();
        }
        Ok(())
    }
}

fn open_to_rewind(path: &Path) -> io::Result<File> {
    let file = File::open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => buffered(file),
    }
}

fn buffered(mut source: impl Read) -> io::Result<File> {
    let mut file = tempfile::tempfile().map_err(|error| {
        let folder = std::env::temp_dir();
        io::Error::other(format!(
            "it cannot be kept meanwhile in {}: {error}",
            folder.display()
        ))
    })?;
    io::copy(&mut source, &mut file)?;
    Ok(file)
}

fn row(raw: &[u8]) -> Result<Option<Value>, String> {
    if raw.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    match serde_json::from_slice(raw) {
        Ok(row @ Value::Object(_)) => Ok(Some(row)),
        Ok(_) => Err("expected a JSON object".to_owned()),
        Err(error) => Err(format!("not a JSON object: {error}")),
    }
}

fn at(path: &Path, line: u64, reason: &str) -> Problem {
    Problem::usage(format!("{}:{line}: {reason}", path.display()))
        .detail(serde_json::json!({ "line": line }))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Problem {
    Problem::usage(format!("{} cannot be read: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> (tempfile::TempDir, JsonLines) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.jsonl");
        std::fs::write(&path, text).unwrap();
        let lines = JsonLines::open(&path).unwrap();
        (folder, lines)
    }

    #[test]
    fn what_can_not_be_read_twice_is_kept() {
        let kept = buffered(&b"{\"a\": 1}\n"[..]).unwrap();
        let path = PathBuf::from("-");
        let mut lines = JsonLines { path, file: kept };
        assert_eq!(lines.survey(|_row| Ok(())).unwrap().lines, [1]);
        assert_eq!(lines.rows().unwrap().count(), 1);
    }

    #[test]
    fn the_survey_digests_the_whole_file_and_knows_the_line_of_each_row() {
        let (_folder, mut lines) = lines("{\"a\":1}\n\n{\"a\":2}");
        let survey = lines.survey(|_| Ok(())).unwrap();
        assert_eq!(survey.lines, [1, 3]);
        assert_eq!(
            survey.sha256,
            format!("{:x}", Sha256::digest("{\"a\":1}\n\n{\"a\":2}"))
        );
        assert_eq!(lines.rows().unwrap().map(Result::unwrap).count(), 2);
    }

    #[test]
    fn a_bad_line_is_named() {
        let (_folder, mut lines) = lines("{}\n{\"a\":\n");
        let problem = lines.survey(|_| Ok(())).unwrap_err();
        assert!(
            problem.message.contains("rows.jsonl:2: not a JSON object"),
            "{}",
            problem.message
        );
    }
}
