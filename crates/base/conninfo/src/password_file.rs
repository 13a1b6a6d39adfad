//! The password file of libpq, `~/.pgpass`: lines of `host:port:database:user:password`.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// What a line of the file has to match.
pub(crate) struct PassfileKey<'a> {
    pub(crate) host: &'a str,
    pub(crate) port: u16,
    pub(crate) database: &'a str,
    pub(crate) user: &'a str,
}

/// The file that was named, or `~/.pgpass`. It need not be there.
pub(crate) fn default_path(named: Option<&str>) -> Option<PathBuf> {
    named
        .map(PathBuf::from)
        .or_else(|| Some(std::env::home_dir()?.join(".pgpass")))
}

/// The password for a connection, from the file that was named or from `~/.pgpass`.
pub(crate) fn password(named: Option<&str>, wanted: &PassfileKey<'_>) -> Option<String> {
    let file = default_path(named)?;
    if has_lax_permissions(&file)? {
        tracing::warn!(file = %file.display(), "password file ignored: group or others may read it; set its mode to 0600");
        return None;
    }
    find(&fs::read_to_string(&file).ok()?, wanted)
}

/// Like libpq, a file that others may read is not used. None: there is no such file.
fn has_lax_permissions(file: &Path) -> Option<bool> {
    let metadata = fs::metadata(file).ok().filter(fs::Metadata::is_file)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        Some(metadata.permissions().mode() & 0o077 != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        Some(false)
    }
}

/// The password of the first line that matches.
fn find(text: &str, wanted: &PassfileKey<'_>) -> Option<String> {
    let port = wanted.port.to_string();
    let wanted = [wanted.host, &port, wanted.database, wanted.user];
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .find_map(|line| {
            let fields = fields(line);
            let (password, conditions) = fields
                .split_last()
                .filter(|(_, conditions)| conditions.len() == 4)?;
            let matches = conditions
                .iter()
                .zip(wanted)
                .all(|(condition, wanted)| condition == "*" || condition == wanted);
            matches.then(|| password.clone())
        })
}

/// The five fields of a line; a backslash takes the next character as it is, and the password may
/// contain colons.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        let next = match character {
            ':' if fields.len() < 5 => {
                fields.push(String::new());
                continue;
            }
            '\\' => characters.next(),
            plain => Some(plain),
        };
        if let Some(field) = fields.last_mut() {
            field.extend(next);
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    const WANTED: PassfileKey<'_> = PassfileKey {
        host: "db.example",
        port: 5432,
        database: "ledger",
        user: "me",
    };

    #[test]
    fn the_first_line_that_matches_counts() {
        let file = "# hosts\nother:*:*:*:no\ndb.example:5432:*:me:first\n*:*:*:*:second\n";
        assert_eq!(find(file, &WANTED).as_deref(), Some("first"));
    }

    #[test]
    fn a_password_may_hold_colons_and_escaped_backslashes() {
        assert_eq!(
            find(r"*:*:*:*:a:b\\c\:d", &WANTED).as_deref(),
            Some(r"a:b\c:d")
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_may_read_is_not_used() {
        use std::os::unix::fs::PermissionsExt;
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "*:*:*:*:secret\n").unwrap();
        let name = file.path().to_str();
        for (mode, expected) in [(0o644, None), (0o600, Some("secret"))] {
            fs::set_permissions(file.path(), fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(password(name, &WANTED).as_deref(), expected);
        }
        assert_eq!(password(Some("/no/such/file"), &WANTED), None);
    }

    #[test]
    fn passfile_line_with_too_few_fields_is_ignored() {
        assert_eq!(find("*:*:*:secret", &WANTED), None);
    }
}
