//! Passwords in texts that are no connection parameters: a mistyped URL, or one of another database.

/// Whether a text that cannot be parsed has the form of one with a password.
pub(crate) fn looks_like_password(text: &str) -> bool {
    let behind_scheme = text.split_once("://").map_or(text, |(_, rest)| rest);
    // The last one: the password may contain further at signs.
    let login = behind_scheme.rsplit_once('@').map(|(login, _)| login);
    let password = login.and_then(|login| login.split_once(':'));
    if password.is_some_and(|(_, password)| !password.is_empty()) {
        return true;
    }
    // Of `sslpassword` as well.
    let lower = text.to_ascii_lowercase();
    lower.split("password").skip(1).any(|behind| {
        let value = behind.trim_start().strip_prefix('=');
        value.is_some_and(|value| !value.trim_start().is_empty())
    })
}

#[cfg(test)]
mod tests {
    use crate::ConnectionTarget;

    #[test]
    fn password_is_found_in_a_text_that_can_not_be_parsed() {
        for text in [
            "postgresql://me@h/d",
            "host=h user=me",
            "password=''",
            "",
            "x",
            "mysql://x",
            "mysql://h:3306/x",
            "mysql://me:@h/x",
            "file:///srv/me@home",
            "postgresql://h/d?nothing=x",
            "password",
            "sslpassword=",
        ] {
            assert!(!ConnectionTarget::holds_password(text), "{text}");
        }
        for text in [
            "postgresql://me:hunter2@h/d",
            "host=h password=hunter2",
            "password = hunter2 unknown=x",
            "postgresql://h/d?unknown=x&Password=hunter2",
            "host=h sslpassword=hunter2",
            "postgresql://me:hunter2/@h/d",
            "mysql://me:hunter2@h/d",
            "me:hunter2@h",
        ] {
            assert!(ConnectionTarget::holds_password(text), "{text}");
        }
    }
}
