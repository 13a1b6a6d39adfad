//! Which hosts may be called at all. The runner's setting, not the contract's.

use std::str::FromStr;

use reqwest::Url;

/// The hosts that agent services may live on: none, unless somebody says so.
///
/// An entry is `host` (every port of it) or `host:port`. A host is a name or an address; `[::1]:8443` for an address with colons.
/// There are no patterns: whoever allows a host means that host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedHosts(Vec<AllowedHost>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct AllowedHost {
    host: String,
    port: Option<u16>,
}

/// A text that names no host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no host: it is `host` or `host:port`, without `https://`, a path or a pattern")]
pub struct NotAHost(pub String);

impl AllowedHosts {
    /// Nothing may be called.
    pub fn none() -> Self {
        Self::default()
    }

    /// Reads a list of entries.
    ///
    /// # Errors
    /// The first entry that is none.
    pub fn from_entries<T: AsRef<str>>(
        entries: impl IntoIterator<Item = T>,
    ) -> Result<Self, NotAHost> {
        entries
            .into_iter()
            .map(|entry| entry.as_ref().parse())
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether a host, as an address has it, may be called on a port.
    pub(crate) fn allow(&self, host: &str, port: u16) -> bool {
        self.0
            .iter()
            .any(|allowed| allowed.host == host && allowed.port.is_none_or(|only| only == port))
    }
}

/// Entries with commas between them, as an environment variable has them.
impl FromStr for AllowedHosts {
    type Err = NotAHost;

    fn from_str(list: &str) -> Result<Self, NotAHost> {
        let entries = list.split(',').map(str::trim);
        Self::from_entries(entries.filter(|entry| !entry.is_empty()))
    }
}

impl FromStr for AllowedHost {
    type Err = NotAHost;

    fn from_str(text: &str) -> Result<Self, NotAHost> {
        let wrong = || NotAHost(text.to_owned());
        let (host, port) = split(text.trim()).ok_or_else(wrong)?;
        let is_plain = !host.contains(|c: char| {
            matches!(c, '/' | '\\' | '@' | '?' | '#' | '*' | '%') || c.is_whitespace()
        });
        // Read as an address is read, so that both end in the same spelling.
        let url = Url::parse(&format!("https://{host}/")).map_err(|_not_a_host| wrong())?;
        match url.host_str() {
            Some(host) if is_plain && url.port().is_none() => Ok(Self {
                host: host.to_owned(),
                port,
            }),
            _ => Err(wrong()),
        }
    }
}

/// Host and port. An address with colons may go without its brackets where no port follows.
fn split(text: &str) -> Option<(String, Option<u16>)> {
    let colons = text.matches(':').count();
    if text.starts_with('[') || colons <= 1 {
        return match text.rsplit_once(':') {
            Some((host, port)) if !text.ends_with(']') => {
                let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
                let port = port.parse().ok().filter(|port| is_number && *port != 0)?;
                Some((host.to_owned(), Some(port)))
            }
            _ => Some((text.to_owned(), None)),
        };
    }
    Some((format!("[{text}]"), None))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(list: &str) -> AllowedHosts {
        list.parse().unwrap()
    }

    #[test]
    fn nothing_is_allowed_unless_somebody_says_so() {
        assert!(!AllowedHosts::none().allow("localhost", 443));
        assert!(!hosts("").allow("localhost", 443));
    }

    #[test]
    fn a_host_is_allowed_on_every_port_or_on_the_one_that_is_named() {
        let allowed = hosts("Agents.Example.com, 10.0.0.1:8443,[::1]:9000, ::2");
        for (host, port) in [
            ("agents.example.com", 443),
            ("agents.example.com", 8443),
            ("10.0.0.1", 8443),
            ("[::1]", 9000),
            ("[::2]", 1),
        ] {
            assert!(allowed.allow(host, port), "{host}:{port}");
        }
        for (host, port) in [
            ("example.com", 443),
            ("x.agents.example.com", 443),
            ("agents.example.com.", 443),
            ("10.0.0.1", 443),
            ("[::1]", 443),
        ] {
            assert!(!allowed.allow(host, port), "{host}:{port}");
        }
        assert!(!hosts("example.com:443").allow("example.com", 444));
    }

    #[test]
    fn what_names_no_host_is_an_error() {
        for wrong in [
            "https://example.com",
            "example.com/path",
            "*.example.com",
            "user@example.com",
            "example.com:",
            "example.com:0",
            "example.com:+1",
            "example.com:65536",
            "exa mple.com",
            "[::1",
            "[::1]x:1",
        ] {
            assert_eq!(
                wrong.parse::<AllowedHosts>(),
                Err(NotAHost(wrong.into())),
                "{wrong}"
            );
        }
    }
}
