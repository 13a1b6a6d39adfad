//! Which variables of the environment hold secrets.

use url::Url;

use super::spellings::decode;

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

pub(super) fn is_secret_name(name: &str) -> bool {
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

pub(super) fn password_in(value: &str) -> Option<String> {
    let address = Url::parse(value).ok()?;
    let password = address.password()?;
    // As it is meant; as it is written, it is decoded on the way.
    String::from_utf8(decode(password.as_bytes())).ok()
}
