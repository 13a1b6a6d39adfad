//! Parameters as the driver's configuration, with libpq's defaults.

use std::{net::IpAddr, time::Duration};

use tokio_postgres::{
    Config,
    config::{ChannelBinding, Host, LoadBalanceHosts, SslNegotiation, TargetSessionAttrs},
};

use crate::{TargetError, parameters::Parameters, password_file};

/// PostgreSQL's default port.
const DEFAULT_PORT: u16 = 5432;

/// The default time limit of a connection, per host.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The configuration that the parameters describe, its encryption aside.
pub(crate) fn from_parameters(parameters: &Parameters) -> Result<Config, TargetError> {
    let mut config = Config::new();
    set_hosts(&mut config, parameters)?;
    apply_login(&mut config, parameters);
    set_session(&mut config, parameters)?;
    set_network(&mut config, parameters)?;
    Ok(config)
}

pub(crate) fn hosts_and_ports(config: &Config) -> (Vec<String>, Vec<u16>) {
    let hosts: Vec<String> = config
        .get_hosts()
        .iter()
        .map(|host| match host {
            Host::Tcp(name) => name.clone(),
            #[cfg(unix)]
            Host::Unix(folder) => folder.to_string_lossy().into_owned(),
        })
        .collect();
    let port = |index: usize| {
        let ports = config.get_ports();
        ports
            .get(index)
            .or(ports.first())
            .copied()
            .unwrap_or(DEFAULT_PORT)
    };
    let ports = (0..hosts.len()).map(port).collect();
    (hosts, ports)
}

pub(crate) fn only_sockets(config: &Config) -> bool {
    config.get_hosts().iter().all(|host| match host {
        Host::Tcp(_) => false,
        #[cfg(unix)]
        Host::Unix(_) => true,
    })
}

/// Hosts, addresses and ports, each a list. Without any: the socket folder where servers listen.
fn set_hosts(config: &mut Config, parameters: &Parameters) -> Result<(), TargetError> {
    let addresses = list(parameters.get("hostaddr"));
    let mut hosts = list(parameters.get("host"));
    if hosts.is_empty() && addresses.is_empty() {
        hosts.push(default_host());
    }
    if hosts.is_empty() {
        // The name against which a certificate is checked where no name was given.
        hosts.clone_from(&addresses);
    }
    for host in &hosts {
        if !is_possible(host) {
            return Err(TargetError::InvalidValue { keyword: "host" });
        }
        config.host(if host.is_empty() {
            default_host()
        } else {
            host
        });
    }
    for address in &addresses {
        let address: IpAddr = address.parse().map_err(|_| TargetError::InvalidValue {
            keyword: "hostaddr",
        })?;
        config.hostaddr(address);
    }
    let ports = list(parameters.get("port"));
    if ports.len() > 1 && ports.len() != hosts.len() {
        return Err(TargetError::InvalidValue { keyword: "port" });
    }
    for port in ports {
        let port = if port.is_empty() {
            Ok(DEFAULT_PORT)
        } else {
            port.parse()
        };
        config.port(port.map_err(|_| TargetError::InvalidValue { keyword: "port" })?);
    }
    Ok(())
}

/// Whether a host is a path, an address, or may be a name. A character that is none of a name's is a part of something
/// else, for instance of a password.
fn is_possible(host: &str) -> bool {
    let is_of_names = |character: char| {
        character.is_alphanumeric() || matches!(character, '.' | '-' | '_' | ':' | '%')
    };
    host.starts_with('/') || host.chars().all(is_of_names)
}

fn list(value: Option<&str>) -> Vec<&str> {
    value
        .map(|value| value.split(',').map(str::trim).collect())
        .unwrap_or_default()
}

/// libpq's default: the folder its distribution was built with, which is one of these two.
fn default_host() -> &'static str {
    const DISTRIBUTION_FOLDER: &str = "/var/run/postgresql";
    if !cfg!(unix) {
        "localhost"
    } else if std::path::Path::new(DISTRIBUTION_FOLDER).is_dir() {
        DISTRIBUTION_FOLDER
    } else {
        "/tmp"
    }
}

/// User, database and password. The database defaults to the user's name, the user to the one of the
/// operating system, the password to the password file's.
fn apply_login(config: &mut Config, parameters: &Parameters) {
    let user = parameters
        .get("user")
        .map(str::to_owned)
        .or_else(|| whoami::username().ok());
    let database = parameters
        .get("dbname")
        .map(str::to_owned)
        .or_else(|| user.clone());
    if let Some(user) = &user {
        config.user(user);
    }
    if let Some(database) = &database {
        config.dbname(database);
    }
    let password = parameters.get("password").map(str::to_owned).or_else(|| {
        let (hosts, ports) = hosts_and_ports(config);
        let host = hosts.first()?;
        let wanted = password_file::PassfileKey {
            // libpq looks a socket in its default folder up as localhost.
            host: if host == default_host() {
                "localhost"
            } else {
                host
            },
            port: ports.first().copied().unwrap_or(DEFAULT_PORT),
            database: database.as_deref().unwrap_or_default(),
            user: user.as_deref().unwrap_or_default(),
        };
        password_file::password(parameters.get("passfile"), &wanted)
    });
    if let Some(password) = password {
        config.password(password);
    }
}

fn set_session(config: &mut Config, parameters: &Parameters) -> Result<(), TargetError> {
    if let Some(options) = parameters.get("options") {
        config.options(options);
    }
    let name = parameters
        .get("application_name")
        .or(parameters.get("fallback_application_name"));
    if let Some(name) = name {
        config.application_name(name);
    }
    if let Some(wanted) = parameters.get("target_session_attrs") {
        config.target_session_attrs(match wanted {
            "any" => TargetSessionAttrs::Any,
            "read-write" | "primary" => TargetSessionAttrs::ReadWrite,
            "read-only" | "standby" => TargetSessionAttrs::ReadOnly,
            _ => {
                return Err(TargetError::InvalidValue {
                    keyword: "target_session_attrs",
                });
            }
        });
    }
    Ok(())
}

fn set_network(config: &mut Config, parameters: &Parameters) -> Result<(), TargetError> {
    // For libpq zero means no limit; here it counts as not set. A negative value is refused.
    let limit = number(parameters, "connect_timeout")?.filter(|seconds| *seconds > 0);
    config.connect_timeout(limit.map_or(CONNECT_TIMEOUT, Duration::from_secs));
    if let Some(on) = number(parameters, "keepalives")? {
        config.keepalives(on != 0);
    }
    if let Some(seconds) = number(parameters, "keepalives_idle")? {
        config.keepalives_idle(Duration::from_secs(seconds));
    }
    if let Some(seconds) = number(parameters, "keepalives_interval")? {
        config.keepalives_interval(Duration::from_secs(seconds));
    }
    if let Some(count) = number(parameters, "keepalives_count")? {
        config.keepalives_retries(u32::try_from(count).unwrap_or(u32::MAX));
    }
    if let Some(milliseconds) = number(parameters, "tcp_user_timeout")? {
        config.tcp_user_timeout(Duration::from_millis(milliseconds));
    }
    if let Some(wanted) = parameters.get("channel_binding") {
        config.channel_binding(match wanted {
            "disable" => ChannelBinding::Disable,
            "prefer" => ChannelBinding::Prefer,
            "require" => ChannelBinding::Require,
            _ => {
                return Err(TargetError::InvalidValue {
                    keyword: "channel_binding",
                });
            }
        });
    }
    if let Some(wanted) = parameters.get("sslnegotiation") {
        config.ssl_negotiation(match wanted {
            "postgres" => SslNegotiation::Postgres,
            "direct" => SslNegotiation::Direct,
            _ => {
                return Err(TargetError::InvalidValue {
                    keyword: "sslnegotiation",
                });
            }
        });
    }
    if let Some(wanted) = parameters.get("load_balance_hosts") {
        config.load_balance_hosts(match wanted {
            "disable" => LoadBalanceHosts::Disable,
            "random" => LoadBalanceHosts::Random,
            _ => {
                return Err(TargetError::InvalidValue {
                    keyword: "load_balance_hosts",
                });
            }
        });
    }
    Ok(())
}

fn number(parameters: &Parameters, keyword: &'static str) -> Result<Option<u64>, TargetError> {
    parameters
        .get(keyword)
        .map(|value| {
            value
                .trim()
                .parse()
                .map_err(|_| TargetError::InvalidValue { keyword })
        })
        .transpose()
}
