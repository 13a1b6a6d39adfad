//! Where the database is and how one gets in.

use std::{borrow::Cow, fmt, path::PathBuf, str::FromStr, sync::Arc, time::Duration};

use tokio_postgres::{Config, config::SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{
    TargetError,
    configuration::{self, CONNECT_TIMEOUT, hosts_and_ports, only_sockets},
    parameters::Parameters,
    password_file, password_text, tls,
};

/// A database to connect to, by the rules of libpq: a URL or keyword and value pairs, the `PG…` environment variables
/// and `~/.pgpass`.
///
/// Neither `Debug` nor `Display` shows the password.
///
/// ```
/// use dotwrap_conninfo::ConnectionTarget;
///
/// let target: ConnectionTarget =
///     "postgresql://me:secret@localhost/ledger?host=/run/pg&sslmode=verify-full".parse()?;
/// assert_eq!(target.to_string(), "postgresql://me@/ledger?host=%2Frun%2Fpg&port=5432");
/// # Ok::<(), dotwrap_conninfo::TargetError>(())
/// ```
#[derive(Clone)]
pub struct ConnectionTarget {
    config: Config,
    tls: MakeRustlsConnect,
    secret_files: Vec<PathBuf>,
    password_source: Option<PasswordSource>,
}

/// Returns the password that is valid now, where it is known.
type PasswordSource = Arc<dyn Fn() -> Option<String> + Send + Sync>;

impl ConnectionTarget {
    /// Parses a URL (`postgresql://…`) or keyword and value pairs (`host=… dbname=…`). The environment and `~/.pgpass`
    /// supply missing parameters; for an empty text they supply all.
    ///
    /// # Errors
    /// [`TargetError`] names the invalid part without its value.
    pub fn parse(text: &str) -> Result<Self, TargetError> {
        Self::parse_in(text, |name| std::env::var(name).ok())
    }

    /// Whether an argument of [`ConnectionTarget::parse`] may hold a password. True for a text that cannot be parsed.
    pub fn may_hold_password(text: &str) -> bool {
        Parameters::parse(text.trim())
            .map_or(true, |parameters| parameters.get("password").is_some())
    }

    /// Whether an argument of [`ConnectionTarget::parse`] holds a password. In a text that cannot be parsed, a login
    /// before an at sign (`user:password@`) or `password=` counts as one.
    pub fn holds_password(text: &str) -> bool {
        Parameters::parse(text.trim()).map_or_else(
            |_| password_text::looks_like_password(text),
            |parameters| parameters.get("password").is_some(),
        )
    }

    /// As [`ConnectionTarget::secret_files`], for a text without connecting. Empty where it cannot be parsed.
    pub fn secret_files_in(text: &str) -> Vec<PathBuf> {
        let environment = |name: &str| std::env::var(name).ok();
        Parameters::parse(text.trim())
            .map(|parameters| secret_files(&parameters.with_defaults_from(environment)))
            .unwrap_or_default()
    }

    /// The target that the environment alone describes.
    ///
    /// # Errors
    /// As [`ConnectionTarget::parse`].
    pub fn from_environment() -> Result<Self, TargetError> {
        Self::parse("")
    }

    /// The target of a configuration of the driver's, without encryption: for servers on a socket of this
    /// machine, such as the embedded default.
    ///
    /// # Errors
    /// [`TargetError::Tls`] where the TLS library does not come up.
    pub fn for_socket(mut config: Config) -> Result<Self, TargetError> {
        config.ssl_mode(SslMode::Disable);
        let (_, tls) = tls::from_parameters(&Parameters::default())?;
        Ok(Self {
            config,
            tls,
            secret_files: Vec::new(),
            password_source: None,
        })
    }

    fn parse_in(
        text: &str,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, TargetError> {
        let parameters = Parameters::parse(text.trim())?.with_defaults_from(environment);
        let mut config = configuration::from_parameters(&parameters)?;
        let (mode, tls) = tls::from_parameters(&parameters)?;
        config.ssl_mode(mode);
        if only_sockets(&config) {
            // As libpq: a socket of this machine is not encrypted, whatever sslmode says.
            config.ssl_mode(SslMode::Disable);
        }
        Ok(Self {
            config,
            tls,
            secret_files: secret_files(&parameters),
            password_source: None,
        })
    }

    /// The same server and login, another database.
    #[must_use]
    pub fn with_database(&self, name: &str) -> Self {
        let mut target = self.clone();
        target.config.dbname(name);
        target
    }

    /// The same database, under this name in `pg_stat_activity`, unless the target has one already.
    #[must_use]
    pub fn with_application_name(&self, name: &str) -> Self {
        let mut target = self.clone();
        if target.config.get_application_name().is_none() {
            target.config.application_name(name);
        }
        target
    }

    /// The same database, with a password that may change while this target is in use: each new connection calls the
    /// source. Where it returns none, the configured password is used.
    #[must_use]
    pub fn with_password_source(
        &self,
        source: impl Fn() -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        let mut target = self.clone();
        target.password_source = Some(Arc::new(source));
        target
    }

    /// The driver's configuration with the password that is valid now.
    pub fn config_now(&self) -> Cow<'_, Config> {
        match self.password_source.as_ref().and_then(|source| source()) {
            None => Cow::Borrowed(&self.config),
            Some(password) => {
                let mut config = self.config.clone();
                config.password(password);
                Cow::Owned(config)
            }
        }
    }

    /// The driver's configuration. It holds the password; its `Debug` does not show it.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The files with credentials that the parameters name: the password file, whether or not it contains this login,
    /// and the client's key. They need not exist.
    pub fn secret_files(&self) -> &[PathBuf] {
        &self.secret_files
    }

    /// The connector that encrypts as `sslmode` says.
    pub fn tls(&self) -> MakeRustlsConnect {
        self.tls.clone()
    }

    /// The time limit for connecting, including the handshake. The driver's own limit covers only the socket, and a
    /// server that accepts and never answers would block forever.
    pub fn connect_limit(&self) -> Duration {
        let hosts = self.config.get_hosts().len().max(1);
        let each = self
            .config
            .get_connect_timeout()
            .copied()
            .unwrap_or(CONNECT_TIMEOUT);
        each.saturating_mul(u32::try_from(hosts).unwrap_or(u32::MAX))
    }
}

impl FromStr for ConnectionTarget {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Debug for ConnectionTarget {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Target({self})")
    }
}

/// A URL that leads to the same place, the password left out.
impl fmt::Display for ConnectionTarget {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        formatter.write_str("postgresql://")?;
        if let Some(user) = self.config.get_user() {
            write!(formatter, "{}@", encoded(user))?;
        }
        let (hosts, ports) = hosts_and_ports(&self.config);
        // A path has no place in the authority of a URL, also among names.
        let is_in_query = hosts.iter().any(|host| host.starts_with('/'));
        if !is_in_query {
            let hosts: Vec<_> = hosts
                .iter()
                .zip(&ports)
                .map(|(host, port)| host_with_port(host, *port))
                .collect();
            formatter.write_str(&hosts.join(","))?;
        }
        if let Some(database) = self.config.get_dbname() {
            write!(formatter, "/{}", encoded(database))?;
        }
        if is_in_query {
            let hosts: Vec<_> = hosts.iter().map(|host| encoded(host)).collect();
            let ports: Vec<_> = ports.iter().map(u16::to_string).collect();
            write!(
                formatter,
                "?host={}&port={}",
                hosts.join(","),
                ports.join(",")
            )?;
        }
        Ok(())
    }
}

fn secret_files(parameters: &Parameters) -> Vec<PathBuf> {
    let passwords = password_file::default_path(parameters.get("passfile"));
    let key = parameters.get("sslkey").map(PathBuf::from);
    let named = [passwords, key].into_iter().flatten();
    named.collect()
}

fn host_with_port(host: &str, port: u16) -> String {
    // Of an address's zone.
    let host = host.replace('%', "%25");
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn parse(text: &str) -> ConnectionTarget {
        ConnectionTarget::parse_in(text, |_| None).unwrap()
    }

    #[test]
    fn display_and_debug_hide_the_password() {
        for text in [
            "postgresql://me:hunter2@h/d",
            "user=me password=hunter2 host=h",
        ] {
            let target = parse(text);
            assert_eq!(target.config().get_password(), Some("hunter2".as_bytes()));
            for shown in [
                target.to_string(),
                format!("{target:?}"),
                format!("{:?}", target.config()),
            ] {
                assert!(!shown.contains("hunter2"), "{shown}");
            }
        }
    }

    #[test]
    fn host_with_a_character_of_no_name_is_refused() {
        for host in ["[::1]", "a@b", "h/d", "h?x"] {
            let refused = ConnectionTarget::parse_in(&format!("host={host}"), |_| None);
            assert!(
                matches!(refused, Err(TargetError::InvalidValue { keyword: "host" })),
                "{host}: {refused:?}"
            );
        }
    }

    #[test]
    fn secret_files_of_a_target_are_listed() {
        let named = parse("host=h passfile=/own/passwords");
        assert_eq!(named.secret_files(), [Path::new("/own/passwords")]);
        let default = parse("host=h");
        assert!(default.secret_files()[0].ends_with(".pgpass"));
    }

    #[test]
    fn unparsable_text_is_treated_as_holding_a_password() {
        for text in ["postgresql://me@h/d", "host=h user=me", ""] {
            assert!(!ConnectionTarget::may_hold_password(text), "{text}");
        }
        for text in [
            "postgresql://me:hunter2@h/d",
            "host=h password=hunter2",
            "postgresql://me:hunter2/@h/d",
            "hunter2",
        ] {
            assert!(ConnectionTarget::may_hold_password(text), "{text}");
        }
    }

    #[test]
    fn a_socket_is_never_encrypted_and_a_host_is_as_asked() {
        assert_eq!(
            parse("host=/tmp sslmode=verify-full sslrootcert=/nowhere/root.pem sslmode=disable")
                .config()
                .get_ssl_mode(),
            SslMode::Disable
        );
        assert_eq!(
            parse("host=/tmp sslmode=require").config().get_ssl_mode(),
            SslMode::Disable
        );
        assert_eq!(
            parse("host=h sslmode=require").config().get_ssl_mode(),
            SslMode::Require
        );
        assert_eq!(parse("host=h").config().get_ssl_mode(), SslMode::Prefer);
        assert_eq!(
            parse("host=h sslmode=disable").config().get_ssl_mode(),
            SslMode::Disable
        );
    }

    #[test]
    fn a_root_certificate_that_cannot_be_read_is_an_error_and_not_a_weaker_check() {
        let error = ConnectionTarget::parse_in(
            "host=h sslmode=verify-full sslrootcert=/nowhere/root.pem",
            |_| None,
        );
        assert!(matches!(error, Err(TargetError::Tls { .. })), "{error:?}");
    }

    #[test]
    fn displayed_target_parses_to_the_same_target() {
        for text in [
            "postgresql://me@one:1,two:2/led%20ger",
            "postgresql://me@localhost/d?host=/a%20b&port=7",
            "host=::1 user=u",
            "host=fe80::1%eth0 user=u",
            "host=/tmp,h port=1,2 user=u",
        ] {
            let target = parse(text);
            let again = parse(&target.to_string());
            assert_eq!(again.to_string(), target.to_string());
            assert_eq!(again.config().get_hosts(), target.config().get_hosts());
            assert_eq!(again.config().get_dbname(), target.config().get_dbname());
        }
    }

    #[test]
    fn the_database_defaults_to_the_user() {
        assert_eq!(
            parse("host=h user=somebody").config().get_dbname(),
            Some("somebody")
        );
    }
}
