//! Secrets that a tool was given, and whether it says them back, in whatever spelling.
//!
//! A text is searched as it stands, and decoded up to [`ROUNDS`] times: JSON's and a shell's backslash escapes, percent
//! signs, and the entities of HTML. In each form the secret is looked for as it is, in Base64 (both alphabets, at any
//! of the three offsets, across line breaks) and in hexadecimal. What is encrypted, compressed or cut in pieces is
//! not found.

use std::{
    fmt, fs,
    io::{self, Read},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    time::Duration,
};

use aho_corasick::AhoCorasick;
use base64::{
    Engine,
    alphabet::{Alphabet, STANDARD, URL_SAFE},
    engine::{GeneralPurpose, general_purpose::NO_PAD},
};
use serde_json::Value as Json;
use tokio::time::Instant;
use url::Url;

use crate::{Answer, CallOutcome, ReadLimit, Stop, open_file, output::Walk, read_apart};

/// What is shorter is found in anything, and is no secret.
const MIN_LENGTH: usize = 8;

/// How often a text is decoded: a JSON text inside a JSON text inside an address.
const ROUNDS: usize = 3;

/// How much of a file is searched at once, in bytes.
const PIECE: usize = 1 << 20;

/// How many times longer than itself a secret may be spelled and still be found at the edge of two pieces.
const MAX_EXPANSION: usize = 64;

/// How long transcripts are searched of a call that came to nothing.
const SEARCH_TIME: Duration = Duration::from_secs(5);

const HIDDEN: &str = "(hidden)";

/// The words of a variable's name that say that its value is a secret.
const WORDS: [&str; 16] = [
    "token",
    "secret",
    "secrets",
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "pass",
    "credential",
    "credentials",
    "key",
    "apikey",
    "auth",
    "authorization",
    "bearer",
    "cookie",
];

/// How such a word may be the end of a longer one: `PGPASSWORD`.
const ENDINGS: [&str; 6] = [
    "token",
    "secret",
    "password",
    "passwd",
    "passphrase",
    "apikey",
];

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
        let values = names.into_iter().filter_map(|name| {
            let value = std::env::var(name).ok()?;
            match is_secret_name(name) {
                true => Some(value),
                false => password_in(&value),
            }
        });
        Self::new(values)
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

    /// Whether a file says one, or anything in a folder, names and links included. What can not be looked at says
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

    /// Removes those of our own transcripts of a tool that say one, and those that can not be searched in time.
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
        let found = read_apart(search, &mut Stop::never(), deadline).await;
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

/// Everything that is looked for to find one value.
fn spellings(value: Vec<u8>) -> Vec<Vec<u8>> {
    if value.len() < MIN_LENGTH {
        return Vec::new();
    }
    let mut spellings = Vec::new();
    for alphabet in [&STANDARD, &URL_SAFE] {
        spellings.extend((0..3).map(|offset| in_base64(alphabet, offset, &value)));
    }
    let hex: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
    spellings.push(hex.to_uppercase().into_bytes());
    spellings.push(hex.into_bytes());
    // A secret may itself hold what looks like an escape: it is decoded along with the text around it.
    let mut decoded = value;
    for _ in 0..=ROUNDS {
        spellings.push(decoded.clone());
        decoded = decode(&decoded);
    }
    spellings.retain(|spelling| spelling.len() >= MIN_LENGTH);
    spellings
}

/// The characters that stand for the value alone where it begins so many bytes behind a group of three.
fn in_base64(alphabet: &Alphabet, offset: usize, value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; offset];
    bytes.extend_from_slice(value);
    let encoded = GeneralPurpose::new(alphabet, NO_PAD)
        .encode(&bytes)
        .into_bytes();
    encoded[(8 * offset).div_ceil(6)..8 * bytes.len() / 6].to_vec()
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

/// A text with every escape replaced by what it stands for, once.
fn decode(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest
        .iter()
        .position(|byte| matches!(byte, b'\\' | b'%' | b'&'))
    {
        decoded.extend_from_slice(&rest[..start]);
        rest = &rest[start..];
        let length = escape(rest, &mut decoded).unwrap_or_else(|| {
            decoded.push(rest[0]);
            1
        });
        rest = &rest[length..];
    }
    decoded.extend_from_slice(rest);
    decoded
}

/// Appends what the escape at the beginning stands for. How long it is; none, if it is none.
fn escape(text: &[u8], decoded: &mut Vec<u8>) -> Option<usize> {
    match text {
        [b'%', digits @ ..] => {
            decoded.push(u8::try_from(hexadecimal(digits.get(..2)?)?).ok()?);
            Some(3)
        }
        [b'\\', b'x', digits @ ..] => {
            decoded.push(u8::try_from(hexadecimal(digits.get(..2)?)?).ok()?);
            Some(4)
        }
        [b'\\', b'u', b'{', ..] => {
            let end = text.iter().take(12).position(|byte| *byte == b'}')?;
            push(decoded, hexadecimal(&text[3..end])?)?;
            Some(end + 1)
        }
        [b'\\', b'u', digits @ ..] => {
            let unit = hexadecimal(digits.get(..4)?)?;
            let low = (0xd800..0xdc00)
                .contains(&unit)
                .then(|| low_surrogate(&digits[4..]))
                .flatten();
            match low {
                Some(low) => {
                    push(decoded, 0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00))?;
                    Some(12)
                }
                None => {
                    push(decoded, unit)?;
                    Some(6)
                }
            }
        }
        [b'\\', letter @ (b'n' | b'r' | b't' | b'b' | b'f'), ..] => {
            decoded.push(if matches!(letter, b'n' | b'r') {
                b'\n'
            } else {
                b' '
            });
            Some(2)
        }
        [b'\\', mark, ..] if mark.is_ascii_punctuation() => {
            decoded.push(*mark);
            Some(2)
        }
        [b'&', ..] => {
            let end = text.iter().take(16).position(|byte| *byte == b';')?;
            push(decoded, entity(&text[1..end])?)?;
            Some(end + 1)
        }
        _ => None,
    }
}

fn low_surrogate(text: &[u8]) -> Option<u32> {
    let unit = hexadecimal(text.strip_prefix(b"\\u")?.get(..4)?)?;
    (0xdc00..0xe000).contains(&unit).then_some(unit)
}

/// The characters of tokens and addresses; others need no name.
fn entity(name: &[u8]) -> Option<u32> {
    if let [b'#', b'x' | b'X', digits @ ..] = name {
        return hexadecimal(digits);
    }
    if let [b'#', digits @ ..] = name {
        return std::str::from_utf8(digits).ok()?.parse().ok();
    }
    let character = match name {
        b"amp" => '&',
        b"lt" => '<',
        b"gt" => '>',
        b"quot" => '"',
        b"apos" => '\'',
        b"sol" => '/',
        b"bsol" => '\\',
        b"plus" => '+',
        b"equals" => '=',
        b"period" => '.',
        b"lowbar" | b"UnderBar" => '_',
        b"hyphen" | b"dash" => '-',
        b"colon" => ':',
        b"num" => '#',
        b"percnt" => '%',
        b"dollar" => '$',
        b"commat" => '@',
        b"ast" => '*',
        b"excl" => '!',
        b"quest" => '?',
        _ => return None,
    };
    Some(character.into())
}

fn hexadecimal(digits: &[u8]) -> Option<u32> {
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_hexdigit);
    u32::from_str_radix(std::str::from_utf8(digits).ok().filter(|_| is_number)?, 16).ok()
}

fn push(decoded: &mut Vec<u8>, code: u32) -> Option<()> {
    let character = char::from_u32(code)?;
    decoded.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    Some(())
}

fn is_secret_name(name: &str) -> bool {
    let name = name.to_lowercase();
    let mut words: Vec<&str> = name.split(|c: char| !c.is_alphanumeric()).collect();
    words.retain(|word| !word.is_empty());
    // The place of a secret is none: `PGPASSFILE`, `SSH_KEY_PATH`.
    let is_place = words.last().is_some_and(|last| {
        ["file", "path", "dir", "folder"]
            .iter()
            .any(|place| last.ends_with(place))
    });
    let is_secret =
        |word: &&str| WORDS.contains(word) || ENDINGS.iter().any(|ending| word.ends_with(ending));
    !is_place && words.iter().any(is_secret)
}

fn password_in(value: &str) -> Option<String> {
    let address = Url::parse(value).ok()?;
    let password = address.password()?;
    // As it is meant; as it is written, it is decoded on the way.
    String::from_utf8(decode(password.as_bytes())).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Failure, StopReason, StopRecord};

    const TOKEN: &str = "tok/en+with=all_of-it.42";

    fn secrets() -> Secrets {
        Secrets::new([TOKEN.to_owned()])
    }

    fn each(spell: impl Fn(u32) -> String) -> String {
        TOKEN
            .chars()
            .map(|character| spell(character.into()))
            .collect()
    }

    fn base64(text: &str) -> String {
        GeneralPurpose::new(&STANDARD, NO_PAD).encode(text)
    }

    #[test]
    fn secret_is_found_in_every_spelling() {
        let escaped = each(|code| format!("\\u{code:04x}"));
        let mut wrapped = base64(&format!("x{TOKEN}"));
        wrapped.insert_str(9, "\r\n");
        for spelled in [
            TOKEN.to_owned(),
            TOKEN.replace('/', "\\/"),
            TOKEN.replace('/', "\\u002f"),
            TOKEN.replace('/', "%2F"),
            TOKEN.replace('/', "%252f"),
            TOKEN
                .replace('/', "&sol;")
                .replace('+', "&#43;")
                .replace('=', "&#x3d;"),
            each(|code| format!("%{code:02X}")),
            each(|code| format!("\\x{code:02x}")),
            each(|code| format!("\\u{{{code:x}}}")),
            json!(escaped).to_string(),
            json!(json!(escaped).to_string()).to_string(),
            escaped,
            base64(TOKEN),
            base64(&format!("user:{TOKEN}")),
            base64(&format!("a {TOKEN} b")),
            json!(base64(TOKEN)).to_string().replace('/', "\\/"),
            wrapped,
            each(|code| format!("{code:02x}")),
            each(|code| format!("{code:02X}")),
        ] {
            let said = format!("{{\"output\": \"so {spelled} it is\"}}");
            assert!(secrets().is_in(said.as_bytes()), "{spelled}");
        }
    }

    #[test]
    fn other_texts_hold_no_secret() {
        for text in [
            "",
            "tok/en",
            "a 100 % \\ & \\u12 &nothing; text",
            "%",
            "\\",
            "&",
        ] {
            assert!(!secrets().is_in(text.as_bytes()), "{text}");
        }
        assert!(!Secrets::new(["short".to_owned()]).is_in(b"short"));
        assert!(Secrets::default().is_empty());
    }

    #[test]
    fn secret_that_looks_escaped_is_found() {
        let secrets = Secrets::new(["50%41b&amp;c\\u0041defg".to_owned()]);
        for text in [
            "50%41b&amp;c\\u0041defg",
            "50%41b&amp;c\\\\u0041defg",
            "50%2541b&amp;c\\u0041defg",
        ] {
            assert!(secrets.is_in(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn secret_is_found_anywhere_in_a_file_and_in_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let limit = ReadLimit::none();
        let escaped = each(|code| format!("\\u{code:04x}"));
        for before in [0, PIECE - 5, PIECE + 3, 3 * PIECE - 70] {
            let path = folder.path().join("file");
            fs::write(&path, format!("{}{escaped}", "x".repeat(before))).unwrap();
            assert!(
                secrets().is_in_output(folder.path(), &limit).unwrap(),
                "{before}"
            );
            fs::write(&path, "x".repeat(before)).unwrap();
            assert!(!secrets().is_in_output(folder.path(), &limit).unwrap());
        }
        std::os::unix::fs::symlink(TOKEN, folder.path().join("link")).unwrap();
        assert!(secrets().is_in_output(folder.path(), &limit).unwrap());
    }

    #[test]
    fn answer_says_no_secret_anywhere() {
        let failed = Answer::failed(Failure::new("protocol", format!("it said {TOKEN}")))
            .with("list", json!([{TOKEN: 1}, TOKEN.replace('/', "\\/")]));
        let stopped = Answer::new(CallOutcome::Stopped(StopRecord {
            reason: StopReason::Interrupted,
            signals_sent: vec![TOKEN.to_owned()],
            exited: vec![TOKEN.to_owned()],
            possible_effects: vec![TOKEN.to_owned()],
        }));
        for answer in [failed, stopped] {
            let hidden = format!("{:?}", secrets().hidden_in(answer));
            assert!(
                !secrets().is_in(hidden.as_bytes()) && hidden.contains(HIDDEN),
                "{hidden}"
            );
        }
    }

    #[test]
    fn names_tell_secrets_from_settings() {
        for name in [
            "API_TOKEN",
            "PGPASSWORD",
            "AWS_SECRET_ACCESS_KEY",
            "OPENAI_API_KEY",
            "githubToken",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "PGDATABASE",
            "HOME",
            "PGPASSFILE",
            "SSH_KEY_PATH",
            "KEYBOARD",
            "TOKENIZER",
            "",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
        let password = password_in("postgres://user:pass%2Fword1@host/db");
        assert_eq!(password.as_deref(), Some("pass/word1"));
        assert_eq!(password_in("orders"), None);
    }
}
