//! A password on the command line is taken from there: every process of the machine can read what a program was started
//! with.
//!
//! The program is started anew without it, and finds it in its environment, which only root can read of a process that
//! is not dumpable. For the moment before it can still be seen, and in the command line of the shell around it.
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

use dotwrap_app::settings::DatabaseUrl;
use dotwrap_wrapper::ConnectionTarget;

use crate::output::Messages;

/// The flag of every command, and the variable that wins over everything but the flag.
pub(crate) const DATABASE_FLAG: (&str, &str) = ("--database-url", "DOTWRAP_DATABASE_URL");

/// Starts the program anew where this flag holds a password, with the variable in its place; comes back where there is
/// none, or where that fails.
pub(crate) fn hide_password(
    (flag, variable): (&str, &str),
    url: Option<&DatabaseUrl>,
    messages: Messages,
) {
    let Some(url) = url.filter(|url| ConnectionTarget::holds_password(url.reveal())) else {
        return;
    };
    let instead = match flag {
        "--database-url" => "DATABASE_URL",
        _ => variable,
    };
    messages.warning(format!(
        "the command line holds a password, which every account of this machine can read: set {instead}, or name a password file, instead of {flag}",
    ));
    let words: Vec<OsString> = std::env::args_os().collect();
    let Some(words) = without(flag, url.reveal(), &words) else {
        return;
    };
    let Ok(program) = std::env::current_exe() else {
        return;
    };
    // Keeps the name that the user typed: messages and process lists show it.
    let name = words.first().map_or(OsStr::new("dotwrap"), |name| name);
    let error = Command::new(program)
        .arg0(name)
        .args(&words[1..])
        .env(variable, url.reveal())
        .exec();
    messages.warning(format!("it could not be hidden: {error}"));
}

/// The words without the flag and its value; none where they are not found as they must stand there.
fn without(flag: &str, url: &str, words: &[OsString]) -> Option<Vec<OsString>> {
    let joined = [flag.as_bytes(), b"=", url.as_bytes()].concat();
    let position = words.iter().position(|word| word.as_bytes() == joined);
    let (position, count) = match position {
        Some(position) => (position, 1),
        None => {
            let mut pairs = words.windows(2);
            let is_it = |pair: &[OsString]| pair[0] == flag && pair[1] == url;
            (pairs.position(is_it)?, 2)
        }
    };
    let mut left = words.to_vec();
    left.drain(position..position + count);
    Some(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_is_taken_out_however_it_is_written() {
        let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        let left = words(&["dotwrap", "gates"]);
        let url = "postgresql://me:secret@h/d";
        for call in [
            words(&["dotwrap", "--database-url", url, "gates"]),
            words(&["dotwrap", "gates", &format!("--database-url={url}")]),
        ] {
            assert_eq!(without("--database-url", url, &call), Some(left.clone()));
        }
        assert_eq!(without("--database-url", url, &left), None);
    }
}
