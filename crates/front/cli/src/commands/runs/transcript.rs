//! What a call printed, read from the run's folder.
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use dotwrap_exec::open_file;

/// How much is read of the end of a file, in bytes: the lines that are asked for may be long.
const MAX_TAIL: u64 = 1 << 20;

/// A file that a tool prints to, and how far it was read. A link in its place is not followed.
#[derive(Debug)]
pub(crate) struct Transcript {
    file: File,
    position: u64,
}

impl Transcript {
    /// Opens a file and returns its last lines.
    ///
    /// # Errors
    /// The file system's; `NotFound` also where it is no file.
    pub(crate) fn open(path: &Path, lines: usize) -> io::Result<(Self, String)> {
        let mut file = open_file(path)?.ok_or(io::ErrorKind::NotFound)?;
        let length = file.metadata()?.len();
        let begin = length.saturating_sub(MAX_TAIL);
        file.seek(SeekFrom::Start(begin))?;
        let mut bytes = Vec::new();
        file.by_ref().take(MAX_TAIL).read_to_end(&mut bytes)?;
        let position = begin + bytes.len() as u64;
        Ok((Self { file, position }, last_lines(&bytes, lines)))
    }

    /// What was printed since, in whole lines. What has no end yet comes with the last look.
    ///
    /// # Errors
    /// The file system's.
    pub(crate) fn next(&mut self, is_last: bool) -> io::Result<String> {
        let mut bytes = Vec::new();
        self.file.seek(SeekFrom::Start(self.position))?;
        self.file.by_ref().take(MAX_TAIL).read_to_end(&mut bytes)?;
        let end_of_lines = bytes.iter().rposition(|byte| *byte == b'\n');
        if !is_last && (bytes.len() as u64) < MAX_TAIL {
            bytes.truncate(end_of_lines.map_or(0, |end| end + 1));
        }
        self.position += bytes.len() as u64;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// The last lines of a text.
pub(super) fn last_lines(bytes: &[u8], lines: usize) -> String {
    let text = String::from_utf8_lossy(bytes);
    let all: Vec<&str> = text.lines().collect();
    let last = &all[all.len().saturating_sub(lines)..];
    let mut text = last.join("\n");
    if !last.is_empty() {
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_whole_and_bounded() {
        for (text, lines, expected) in [
            ("a\nb\nc\n", 2, "b\nc\n"),
            ("a\nb\nc", 2, "b\nc\n"),
            ("a\n", 5, "a\n"),
            ("", 5, ""),
            ("a\nb", 0, ""),
        ] {
            assert_eq!(last_lines(text.as_bytes(), lines), expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_printed_meanwhile_comes_next_and_a_link_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stdout");
        std::fs::write(&path, "one\ntwo\n").unwrap();
        let (mut transcript, tail) = Transcript::open(&path, 1).unwrap();
        assert_eq!(tail, "two\n");
        assert_eq!(transcript.next(false).unwrap(), "");
        let mut writer = File::options().append(true).open(&path).unwrap();
        io::Write::write_all(&mut writer, b"three\nfo").unwrap();
        assert_eq!(transcript.next(false).unwrap(), "three\n");
        assert_eq!(transcript.next(true).unwrap(), "fo");
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(Transcript::open(&link, 1).is_err());
    }
}
