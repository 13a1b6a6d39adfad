//! Whether what a producer left says that the tool only simulated its work.
//!
//! Only JSON is searched. An output of one gibibyte that is an archive costs two reads of 64 KiB.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

use serde_json::{Value as Json, json};

use crate::{
    ReadLimit, open_file,
    reported::{Mentions, ToolReport, without_mark},
};

const CHUNK: u64 = 64 << 10;

/// How far a file is searched, in bytes.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    /// A document is searched up to this length.
    searched: u64,
    /// A document up to this length is read as JSON. In a longer one any `is_mock` with a value counts, `false` too: of
    /// a part of a document nobody can tell what it says. The last line of a text is searched up to this length as
    /// well.
    parsed: u64,
}

const BOUNDS: Bounds = Bounds {
    searched: 64 << 20,
    parsed: 16 << 20,
};

/// What was searched for `is_mock`, and what was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MockSearch {
    /// Whether the tool says that it only simulated its work. Anything but a clear no is a yes.
    pub is_mock: bool,
    /// Which part was searched.
    pub searched: Searched,
    /// Whether that part was searched to its end.
    pub is_complete: bool,
}

/// Which part of an output was searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Searched {
    /// The output from its first_byte: it begins as a JSON document.
    Document,
    /// Its last line, which begins as a JSON object.
    LastLine,
    /// None: it is no JSON, or a folder.
    Nothing,
}

/// How a file begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FirstByte {
    Json,
    Other,
    /// It holds white space alone.
    Blank,
    /// It holds more white space than is searched.
    TooFar,
}

/// The end of a file, as far as it was read.
enum LastLine {
    Line(Vec<u8>),
    TooLong,
}

impl MockSearch {
    /// Searches a file. A folder holds no report. A link in the file's place is not followed.
    ///
    /// A file begins as a JSON document if its first character is `{`, `[` or `"`, after one UTF-8 byte order mark and
    /// white space of ASCII (space, tab, line feed, form feed, carriage return). In a file that begins otherwise the
    /// last line is searched if its first character is `{`: that is how a tool reports behind its log.
    ///
    /// # Errors
    /// The file system's, and the limit's.
    pub fn in_file(path: &Path, limit: &ReadLimit) -> io::Result<Self> {
        match open_file(path)? {
            Some(file) => BOUNDS.search(file, limit),
            None => Ok(Self::nothing(true)),
        }
    }

    /// A search that ended with an error.
    pub fn interrupted() -> Self {
        Self::nothing(false)
    }

    fn nothing(is_complete: bool) -> Self {
        Self {
            is_mock: false,
            searched: Searched::Nothing,
            is_complete,
        }
    }

    /// What the evidence says of it. `limit_bytes` is how far a document is searched.
    pub fn evidence(&self) -> Json {
        json!({
            "searched": <&str>::from(self.searched),
            "limit_bytes": BOUNDS.searched,
            "complete": self.is_complete,
        })
    }
}

impl Bounds {
    fn search(self, mut file: File, limit: &ReadLimit) -> io::Result<MockSearch> {
        match self.first_byte(&mut file, limit)? {
            FirstByte::Json => self.in_document(&mut file, limit),
            FirstByte::Other => self.in_last_line(&mut file, limit),
            FirstByte::Blank => Ok(MockSearch::nothing(true)),
            FirstByte::TooFar => Ok(MockSearch::nothing(false)),
        }
    }

    fn first_byte(self, file: &mut File, limit: &ReadLimit) -> io::Result<FirstByte> {
        let mut source = limit.reader(file).take(self.searched);
        let mut chunk = Vec::new();
        let mut is_first = true;
        loop {
            chunk.clear();
            let length = source.by_ref().take(CHUNK).read_to_end(&mut chunk)?;
            if length == 0 {
                return Ok(match source.limit() {
                    0 => FirstByte::TooFar,
                    _ => FirstByte::Blank,
                });
            }
            let text = match is_first {
                true => without_mark(&chunk),
                false => &chunk,
            };
            is_first = false;
            match text.trim_ascii_start().first() {
                Some(b'{' | b'[' | b'"') => return Ok(FirstByte::Json),
                Some(_) => return Ok(FirstByte::Other),
                None => {}
            }
        }
    }

    fn in_document(self, file: &mut File, limit: &ReadLimit) -> io::Result<MockSearch> {
        file.rewind()?;
        let mut source = limit.reader(file).take(self.searched + 1);
        let mut bytes = Vec::new();
        source
            .by_ref()
            .take(self.parsed + 1)
            .read_to_end(&mut bytes)?;
        let is_mock = if bytes.len() as u64 <= self.parsed {
            ToolReport::in_text(&bytes).is_mock()
        } else {
            let mut mentions = Mentions::at_the_beginning(&bytes);
            mentions.continue_scan(&bytes, source.by_ref(), limit)?;
            mentions.is_mock
        };
        Ok(MockSearch {
            is_mock,
            searched: Searched::Document,
            // One byte more than is searched was asked for: a document of exactly that length was searched to its end.
            is_complete: source.limit() > 0,
        })
    }

    fn in_last_line(self, file: &mut File, limit: &ReadLimit) -> io::Result<MockSearch> {
        let line = match self.last_line(file, limit)? {
            LastLine::Line(line) => line,
            LastLine::TooLong => return Ok(MockSearch::nothing(false)),
        };
        if !line.trim_ascii_start().starts_with(b"{") {
            return Ok(MockSearch::nothing(true));
        }
        file.rewind()?;
        let mut whole = Vec::new();
        limit
            .reader(file)
            .take(self.parsed + 1)
            .read_to_end(&mut whole)?;
        // What stands in front of the last line of a short text counts as well: it may belong to the same document.
        let is_mock = match whole.len() as u64 <= self.parsed {
            true => ToolReport::in_text(&whole).is_mock(),
            false => {
                Mentions::at_the_beginning(&line).is_mock || ToolReport::in_text(&line).is_mock()
            }
        };
        Ok(MockSearch {
            is_mock,
            searched: Searched::LastLine,
            is_complete: true,
        })
    }

    fn last_line(self, file: &mut File, limit: &ReadLimit) -> io::Result<LastLine> {
        let size = file.seek(SeekFrom::End(0))?;
        let mut tail = CHUNK;
        loop {
            let start = size.saturating_sub(tail);
            file.seek(SeekFrom::Start(start))?;
            let mut bytes = Vec::new();
            limit
                .reader(file.by_ref())
                .take(tail)
                .read_to_end(&mut bytes)?;
            let text = bytes.trim_ascii_end();
            match text.iter().rposition(|byte| *byte == b'\n') {
                Some(end_of_previous) => {
                    return Ok(LastLine::Line(text[end_of_previous + 1..].to_vec()));
                }
                None if start == 0 => return Ok(LastLine::Line(text.to_vec())),
                None if tail == self.parsed => return Ok(LastLine::TooLong),
                None => tail = (16 * tail).min(self.parsed),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// As [`BOUNDS`], for files that a test writes quickly.
    const SMALL: Bounds = Bounds {
        searched: 4 * MIB,
        parsed: MIB,
    };

    const MIB: u64 = 1 << 20;

    fn search(parts: &[&[u8]]) -> MockSearch {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        for part in parts {
            file.write_all(part).unwrap();
        }
        let file = File::open(file.path()).unwrap();
        SMALL.search(file, &ReadLimit::none()).unwrap()
    }

    fn filler(length: u64) -> Vec<u8> {
        vec![b'1'; usize::try_from(length).unwrap()]
    }

    fn found(is_mock: bool, searched: Searched, is_complete: bool) -> MockSearch {
        MockSearch {
            is_mock,
            searched,
            is_complete,
        }
    }

    /// A short output is read as [`ToolReport`] reads it, whatever is in front of the document and behind it.
    #[test]
    fn short_outputs_are_read_as_tool_reports() {
        let reports = [
            "",
            r#"{"is_mock": true}"#,
            r#"{"is_mock": false}"#,
            r#"[{"is_mock": null}]"#,
            r#""{\"is_mock\": true}""#,
            r#"{"\u0069s_mock": true}"#,
            r#"{"is_mock": true, "is_mock": false}"#,
            r#"{"is_mock": true"#,
            "is_mock: true",
        ];
        let around = [
            "",
            " ",
            "\n\t\r\x0c",
            "\u{feff}",
            "\u{feff}\n ",
            "\n\u{feff}",
            "done\n",
            "done ",
            "\n{}",
            "\n[1]\n\n",
            "\nmore",
            "1\n",
            "\0",
            "\n \n",
        ];
        for report in reports {
            for before in around {
                for behind in around {
                    let text = format!("{before}{report}{behind}");
                    let expected = ToolReport::in_text(text.as_bytes()).is_mock();
                    assert_eq!(search(&[text.as_bytes()]).is_mock, expected, "{text:?}");
                }
            }
        }
    }

    #[test]
    fn documents_begin_behind_a_mark_and_white_space() {
        let report = br#"{"is_mock": true}"#;
        let document = found(true, Searched::Document, true);
        assert_eq!(search(&[b"\xef\xbb\xbf \t\r\n\x0c", report]), document);
        // Across the chunks in which it is read.
        assert_eq!(
            search(&[&[b' '; (3 * CHUNK + 1) as usize], report]),
            document
        );
        // A mark counts at the very first_byte alone.
        let other = found(false, Searched::Nothing, true);
        assert_eq!(search(&[b" \xef\xbb\xbf", report]), other);
        assert_eq!(search(&[b"\xef\xbb\xbf\xef\xbb\xbf", report]), other);
        assert_eq!(search(&[b"\xef\xbb\xbf \n"]), other);
        assert_eq!(search(&[]), other);
    }

    #[test]
    fn document_is_searched_up_to_the_bound_and_the_rest_is_reported() {
        let report = br#"", "is_mock": true}"#;
        let rest = report.len() as u64;
        let opening = br#"{"a": ""#;
        let opened = opening.len() as u64;
        for (length, is_mock, is_complete) in [
            (SMALL.parsed, true, true),
            (SMALL.parsed + 1, true, true),
            (SMALL.searched, true, true),
            (SMALL.searched + 1, true, false),
            (SMALL.searched + rest, false, false),
            (SMALL.searched + MIB, false, false),
        ] {
            let found_there = search(&[opening, &filler(length - opened - rest), report]);
            let expected = found(is_mock, Searched::Document, is_complete);
            assert_eq!(found_there, expected, "{length}");
        }
        let early = search(&[
            br#"{"is_mock": true, "a": ""#,
            &filler(SMALL.searched),
            b"\"}",
        ]);
        assert_eq!(early, found(true, Searched::Document, false));
        let endless = search(&[&vec![b' '; SMALL.searched as usize + 1], b"{}"]);
        assert_eq!(endless, found(false, Searched::Nothing, false));
    }

    #[test]
    fn report_in_the_last_line_of_a_long_text_is_found() {
        for long in [CHUNK, MIB / 2, MIB, 2 * MIB, 5 * MIB].map(filler) {
            for (line, is_mock) in [
                (&br#"{"is_mock": true}"#[..], true),
                // Behind other text it is no clear no.
                (br#"{"is_mock": false}"#, true),
                (br#"  {"is_mock": tr"#, true),
                (br#"{"a": "{\"is_mock\": true}"}"#, true),
                (br#"{"made": true}"#, false),
            ] {
                for end in [&b""[..], b"\n", b" \r\n\n"] {
                    let found_there = search(&[&long, b"\n", line, end]);
                    assert_eq!(found_there, found(is_mock, Searched::LastLine, true));
                }
            }
        }
        // Elsewhere in what is no JSON, nothing is a report.
        let long = filler(SMALL.parsed);
        let inside = search(&[&long, b"\n{\"is_mock\": true}\n", b"more\n"]);
        assert_eq!(inside, found(false, Searched::Nothing, true));
    }

    /// Where the last line begins was not seen, so that nobody can say whether it is JSON.
    #[test]
    fn last_line_that_is_too_long_is_reported() {
        let document = [
            &br#"{"a": ""#[..],
            &filler(SMALL.parsed),
            br#"", "is_mock": true}"#,
        ]
        .concat();
        let too_long = search(&[b"done\n", &document]);
        assert_eq!(too_long, found(false, Searched::Nothing, false));
    }

    #[test]
    fn folders_are_not_searched_and_links_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let limit = ReadLimit::none();
        let nothing = MockSearch::in_file(folder.path(), &limit).unwrap();
        assert_eq!(nothing, found(false, Searched::Nothing, true));
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        std::fs::write(&file, r#"{"is_mock": true}"#).unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert!(MockSearch::in_file(&file, &limit).unwrap().is_mock);
        assert!(MockSearch::in_file(&link, &limit).is_err());
    }
}
