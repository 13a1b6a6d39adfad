//! Which hosts may be called at all: a setting of the runner's account, never of a contract.

use std::{net::Ipv6Addr, str::FromStr};

use url::{Host, Url};

/// A list of hosts. Empty, it allows none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedHosts(Vec<AllowedHost>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct AllowedHost {
    host: Host,
    port: Option<u16>,
}

/// A text that names no host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a host, with or without `:port` behind it")]
pub struct InvalidHost(pub String);

impl AllowedHosts {
    /// Reads entries such as `kg.example` (every port of it), `kg.example:8443` and `[::1]:8443`. There are no
    /// patterns: an entry means that host.
    ///
    /// # Errors
    /// The first entry that is none.
    pub fn from_entries<T: AsRef<str>>(
        entries: impl IntoIterator<Item = T>,
    ) -> Result<Self, InvalidHost> {
        entries
            .into_iter()
            .map(|entry| entry.as_ref().trim().parse())
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether an address is on one of them.
    pub fn allows(&self, address: &Url) -> bool {
        let (Some(host), Some(port)) = (address.host(), address.port_or_known_default()) else {
            return false;
        };
        self.0
            .iter()
            .any(|allowed| allowed.host == host && allowed.port.is_none_or(|only| only == port))
    }
}

/// Entries with commas between them, as an environment variable has them.
impl FromStr for AllowedHosts {
    type Err = InvalidHost;

    fn from_str(list: &str) -> Result<Self, InvalidHost> {
        let entries = list.split(',').map(str::trim);
        Self::from_entries(entries.filter(|entry| !entry.is_empty()))
    }
}

impl FromStr for AllowedHost {
    type Err = InvalidHost;

    fn from_str(text: &str) -> Result<Self, InvalidHost> {
        let wrong = || InvalidHost(text.to_owned());
        let (host, port) = split(text).ok_or_else(wrong)?;
        // Read as the endpoint's address is, so that both spell a host the same way.
        let address = Url::parse(&format!("https://{host}/")).map_err(|_error| wrong())?;
        let is_plain = !host.contains(|character: char| {
            character.is_whitespace() || "/\\@?#*%".contains(character)
        });
        match address.host() {
            Some(host) if is_plain && address.port().is_none() => Ok(Self {
                host: host.to_owned(),
                port,
            }),
            _ => Err(wrong()),
        }
    }
}

/// Host and port. An address with colons may go without its brackets where no port follows.
fn split(text: &str) -> Option<(String, Option<u16>)> {
    if text.parse::<Ipv6Addr>().is_ok() {
        return Some((format!("[{text}]"), None));
    }
    match text.rsplit_once(':') {
        Some((host, port)) if !text.ends_with(']') => {
            let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
            let port = port.parse().ok().filter(|port| is_number && *port != 0)?;
            Some((host.to_owned(), Some(port)))
        }
        _ => Some((text.to_owned(), None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(hosts: &str, address: &str) -> bool {
        let hosts: AllowedHosts = hosts.parse().unwrap();
        hosts.allows(&address.parse().unwrap())
    }

    #[test]
    fn as_shipped_none_is_allowed() {
        assert!(!allows("", "https://kg.example/"));
        assert_eq!(AllowedHosts::default(), "".parse().unwrap());
    }

    #[test]
    fn a_host_is_allowed_on_every_port_or_on_the_one_that_is_named() {
        let hosts = "KG.example, 10.0.0.1:8443,[::1]:1,::2,a.example:443";
        for address in [
            "https://kg.EXAMPLE/mcp",
            "https://kg.example:8443/mcp",
            "https://10.0.0.1:8443",
            "https://[::1]:1/",
            "https://[::2]:7/",
            "https://a.example/",
        ] {
            assert!(allows(hosts, address), "{address}");
        }
        for address in [
            "https://kg.example.evil/",
            "https://evil.kg.example/",
            "https://example/",
            "https://10.0.0.1/",
            "https://[::1]/",
            "https://a.example:444/",
        ] {
            assert!(!allows(hosts, address), "{address}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for wrong in [
            "*",
            "*.example",
            "a/b",
            "user@a",
            "https://a",
            "a:port",
            "a:",
            "a:0",
            "[::1",
        ] {
            assert!(AllowedHosts::from_entries([wrong]).is_err(), "{wrong}");
        }
        assert!(AllowedHosts::from_entries([""]).is_err());
    }
}
