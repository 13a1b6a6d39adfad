//! The end of standard error, for the ledger: `record_stderr_tail_bytes`.

use std::{
    io::{Read, Seek, SeekFrom},
    path::Path,
};

use dotwrap_invoke::open_file;
use dotwrap_supervisor::StderrKept;

/// What a contract may ask for at most, in bytes: evidence is small.
pub(crate) const MAX_BYTES: u64 = 4096;

/// The end of the file, in at most so many bytes. What steers a terminal is replaced, which may take one more time its
/// length: the beginning is cut, then. None where there is nothing.
///
/// The whole file must have been searched for secrets before. Half of one could stand where the keeping ended, so that
/// the last line is left out if not everything was kept.
pub(crate) fn read(path: &Path, kept: StderrKept, most: u64) -> Option<String> {
    let mut file = open_file(path).ok()??;
    let begin = kept.kept_bytes.saturating_sub(most);
    file.seek(SeekFrom::Start(begin)).ok()?;
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes).ok()?;
    if kept.bytes > kept.kept_bytes {
        let end = bytes.iter().rposition(|byte| *byte == b'\n')?;
        bytes.truncate(end + 1);
    }
    let begin = bytes.iter().position(|byte| !is_continuation(*byte))?;
    let mut text = visible(&String::from_utf8_lossy(&bytes[begin..]));
    let excess = text
        .len()
        .saturating_sub(usize::try_from(most).unwrap_or(usize::MAX));
    text.drain(..text.ceil_char_boundary(excess));
    (!text.is_empty()).then_some(text)
}

/// Of a letter of UTF-8 whose beginning was cut.
fn is_continuation(byte: u8) -> bool {
    byte & 0b1100_0000 == 0b1000_0000
}

fn visible(text: &str) -> String {
    let shown = |letter: char| match letter {
        '\n' | '\t' => letter,
        letter if letter.is_control() => char::REPLACEMENT_CHARACTER,
        letter => letter,
    };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tail(text: &[u8], kept: StderrKept, most: u64) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stderr");
        std::fs::write(&path, text).unwrap();
        read(&path, kept, most)
    }

    fn whole(text: &[u8], most: u64) -> Option<String> {
        let bytes = text.len() as u64;
        let kept = StderrKept {
            bytes,
            kept_bytes: bytes,
        };
        tail(text, kept, most)
    }

    #[test]
    fn tail_is_text_and_no_longer_than_asked_for() {
        assert_eq!(whole(b"one\ntwo\n", 4).as_deref(), Some("two\n"));
        assert_eq!(whole(b"one", 4).as_deref(), Some("one"));
        assert_eq!(whole(b"", 4), None);
        // The first byte of the first letter is cut off.
        assert_eq!(whole("éé".as_bytes(), 3).as_deref(), Some("é"));
        let coloured = whole(b"\x1b[31mred\n", 100).unwrap();
        assert_eq!(coloured, "\u{fffd}[31mred\n");
        for most in 1..40 {
            let bytes = whole(&[0x1b; 30], most).unwrap_or_default();
            assert!(bytes.len() as u64 <= most, "{most}");
        }
    }

    #[test]
    fn line_that_was_cut_by_the_limit_is_left_out() {
        let kept = StderrKept {
            bytes: 100,
            kept_bytes: 11,
        };
        assert_eq!(tail(b"one\ntwo\nthr", kept, 7).as_deref(), Some("two\n"));
        assert_eq!(tail(b"one two thr", kept, 7), None);
    }
}
