//! Connection parameters as libpq reads them: a URL or `keyword = value` pairs, over the `PG…`
//! environment variables. The driver's own parser knows neither `sslmode=verify-full` nor
//! `?host=/path` in the place of the URL's host, nor the environment.

use std::{collections::BTreeMap, iter::Peekable, str::Chars};

use percent_encoding::percent_decode_str;
use strsim::osa_distance;

use crate::TargetError;

/// The parameters by libpq's keyword.
#[derive(Clone, Default)]
pub(crate) struct Parameters(BTreeMap<&'static str, String>);

/// Every keyword that has a meaning here, with the environment variable that stands in for it.
const KEYWORDS: &[(&str, Option<&str>)] = &[
    ("host", Some("PGHOST")),
    ("hostaddr", Some("PGHOSTADDR")),
    ("port", Some("PGPORT")),
    ("dbname", Some("PGDATABASE")),
    ("user", Some("PGUSER")),
    ("password", Some("PGPASSWORD")),
    ("passfile", Some("PGPASSFILE")),
    ("application_name", Some("PGAPPNAME")),
    ("fallback_application_name", None),
    ("options", Some("PGOPTIONS")),
    ("connect_timeout", Some("PGCONNECT_TIMEOUT")),
    ("keepalives", None),
    ("keepalives_idle", None),
    ("keepalives_interval", None),
    ("keepalives_count", None),
    ("tcp_user_timeout", None),
    ("sslmode", Some("PGSSLMODE")),
    ("sslnegotiation", Some("PGSSLNEGOTIATION")),
    ("sslrootcert", Some("PGSSLROOTCERT")),
    ("sslcert", Some("PGSSLCERT")),
    ("sslkey", Some("PGSSLKEY")),
    ("channel_binding", Some("PGCHANNELBINDING")),
    ("target_session_attrs", Some("PGTARGETSESSIONATTRS")),
    ("load_balance_hosts", Some("PGLOADBALANCEHOSTS")),
];

/// Keywords of libpq that change nothing that this client does: it always speaks UTF-8, never GSS, and
/// compresses nothing.
const IGNORED_KEYWORDS: &[&str] = &[
    "client_encoding",
    "gssencmode",
    "gssdelegation",
    "gsslib",
    "krbsrvname",
    "sslcompression",
    "sslsni",
];

/// Keywords of libpq whose meaning this client cannot keep.
const UNSUPPORTED_KEYWORDS: &[&str] = &[
    "max_protocol_version",
    "min_protocol_version",
    "oauth_client_id",
    "oauth_client_secret",
    "oauth_issuer",
    "oauth_scope",
    "replication",
    "require_auth",
    "requirepeer",
    "requiressl",
    "scram_client_key",
    "scram_server_key",
    "service",
    "servicefile",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "sslcertmode",
    "sslcrl",
    "sslcrldir",
    "sslkeylogfile",
    "sslpassword",
];

impl Parameters {
    /// Reads a URL or keyword string.
    pub(crate) fn parse(text: &str) -> Result<Self, TargetError> {
        let mut parameters = Self::default();
        match text
            .strip_prefix("postgresql://")
            .or_else(|| text.strip_prefix("postgres://"))
        {
            Some(rest) => parameters.read_url(rest)?,
            None => parameters.read_keywords(text)?,
        }
        Ok(parameters)
    }

    /// Fills what was not given from the environment.
    pub(crate) fn with_defaults_from(
        mut self,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Self {
        for (keyword, variable) in KEYWORDS {
            let Some(variable) = variable else { continue };
            if self.0.contains_key(keyword) {
                continue;
            }
            if let Some(value) = environment(variable).filter(|value| !value.is_empty()) {
                self.0.insert(keyword, value);
            }
        }
        self
    }

    /// A parameter; an empty one counts as not given, as in libpq.
    pub(crate) fn get(&self, keyword: &str) -> Option<&str> {
        self.0
            .get(keyword)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// The parameters as environment variables of libpq. Those that no variable stands for are left out.
    pub(crate) fn as_environment(&self) -> Vec<(&'static str, String)> {
        let named = KEYWORDS
            .iter()
            .filter_map(|(keyword, variable)| Some(((*variable)?, self.get(keyword)?.to_owned())));
        named.collect()
    }

    fn set(&mut self, keyword: &str, value: String) -> Result<(), TargetError> {
        if let Some((known, _)) = KEYWORDS.iter().find(|(known, _)| *known == keyword) {
            self.0.insert(known, value);
            return Ok(());
        }
        if IGNORED_KEYWORDS.contains(&keyword) {
            return Ok(());
        }
        if let Some(keyword) = UNSUPPORTED_KEYWORDS.iter().find(|known| **known == keyword) {
            return Err(TargetError::NotSupported { keyword });
        }
        Err(match closest_keyword(keyword) {
            Some(similar) => TargetError::MistypedParameter { similar },
            None => TargetError::UnknownParameter,
        })
    }

    /// `[user[:password]@][host[:port][,…]][/dbname][?keyword=value&…]`, the scheme already taken off.
    /// What stands behind the question mark wins over what stands before it.
    fn read_url(&mut self, rest: &str) -> Result<(), TargetError> {
        let (before, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = before.split_once('/').unwrap_or((before, ""));
        let (login, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
        if database.contains('@') {
            return Err(TargetError::AtSignInDatabase);
        }
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        self.set_decoded("user", user)?;
        self.set_decoded("password", password)?;
        self.set_decoded("dbname", database)?;
        self.read_hosts(hosts)?;
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (keyword, value) = pair.split_once('=').ok_or(TargetError::QueryWithoutValue)?;
            self.set(&decoded(keyword)?, decoded(value)?)?;
        }
        Ok(())
    }

    fn set_decoded(&mut self, keyword: &str, value: &str) -> Result<(), TargetError> {
        if value.is_empty() {
            return Ok(());
        }
        self.set(keyword, decoded(value)?)
    }

    fn read_hosts(&mut self, hosts: &str) -> Result<(), TargetError> {
        if hosts.is_empty() {
            return Ok(());
        }
        let (names, ports): (Vec<_>, Vec<_>) = hosts.split(',').map(host_and_port).unzip();
        self.set_decoded("host", &names.join(","))?;
        if ports.iter().any(|port| !port.is_empty()) {
            self.set_decoded("port", &ports.join(","))?;
        }
        Ok(())
    }

    /// `keyword = value` pairs between white space; a value may stand in single quotes, and a backslash
    /// takes the next character as it is.
    fn read_keywords(&mut self, text: &str) -> Result<(), TargetError> {
        let mut characters = text.chars().peekable();
        loop {
            skip_white_space(&mut characters);
            if characters.peek().is_none() {
                return Ok(());
            }
            let keyword = read_keyword(&mut characters)?;
            let value = read_value(&mut characters)?;
            self.set(&keyword, value)?;
        }
    }
}

fn decoded(text: &str) -> Result<String, TargetError> {
    let decoded = percent_decode_str(text)
        .decode_utf8()
        .map_err(|_| TargetError::NotText)?;
    if decoded.contains('\0') {
        return Err(TargetError::NotText);
    }
    Ok(decoded.into_owned())
}

/// A host with its port; an IPv6 address stands in square brackets.
fn host_and_port(text: &str) -> (&str, &str) {
    if let Some((address, rest)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return (address, rest.trim_start_matches(':'));
    }
    text.split_once(':').unwrap_or((text, ""))
}

/// The closest known keyword.
fn closest_keyword(written: &str) -> Option<&'static str> {
    KEYWORDS
        .iter()
        .map(|(known, _)| (osa_distance(known, written), *known))
        .filter(|(errors, known)| *errors <= known.len().div_ceil(5))
        .min()
        .map(|(_, known)| known)
}

fn skip_white_space(characters: &mut Peekable<Chars<'_>>) {
    while characters
        .next_if(|character| character.is_whitespace())
        .is_some()
    {}
}

fn read_keyword(characters: &mut Peekable<Chars<'_>>) -> Result<String, TargetError> {
    let mut keyword = String::new();
    while let Some(character) = characters.next_if(|c| !c.is_whitespace() && *c != '=') {
        keyword.push(character);
    }
    skip_white_space(characters);
    // The text may be a pasted password, so the message does not repeat it.
    characters
        .next_if_eq(&'=')
        .ok_or(TargetError::NotKeywordAndValue)?;
    skip_white_space(characters);
    Ok(keyword)
}

fn read_value(characters: &mut Peekable<Chars<'_>>) -> Result<String, TargetError> {
    let quoted = characters.next_if_eq(&'\'').is_some();
    let mut value = String::new();
    loop {
        match characters.peek().copied() {
            None if quoted => return Err(TargetError::OpenQuote),
            Some('\'') if quoted => {
                characters.next();
                return Ok(value);
            }
            None => return Ok(value),
            Some(character) if !quoted && character.is_whitespace() => return Ok(value),
            Some('\\') => {
                characters.next();
                value.extend(characters.next());
            }
            Some(character) => {
                characters.next();
                value.push(character);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value<'a>(parameters: &'a Parameters, keyword: &str) -> &'a str {
        parameters.get(keyword).unwrap_or("(none)")
    }

    #[test]
    fn a_host_behind_the_question_mark_wins_over_the_urls() {
        let url = "postgresql://me:p%40ss@localhost:6432/ledger?host=/var/run/pg&port=5433&sslmode=verify-full";
        let parameters = Parameters::parse(url).unwrap();
        assert_eq!(value(&parameters, "user"), "me");
        assert_eq!(value(&parameters, "password"), "p@ss");
        assert_eq!(value(&parameters, "host"), "/var/run/pg");
        assert_eq!(value(&parameters, "port"), "5433");
        assert_eq!(value(&parameters, "dbname"), "ledger");
        assert_eq!(value(&parameters, "sslmode"), "verify-full");
    }

    #[test]
    fn several_hosts_keep_their_ports_in_order() {
        let parameters = Parameters::parse("postgres://one:1,[::1]:2,three/db").unwrap();
        assert_eq!(value(&parameters, "host"), "one,::1,three");
        assert_eq!(value(&parameters, "port"), "1,2,");
    }

    #[test]
    fn a_socket_folder_may_stand_encoded_in_the_place_of_the_host() {
        let parameters = Parameters::parse("postgresql://%2Fvar%2Frun%2Fpostgresql/db").unwrap();
        assert_eq!(value(&parameters, "host"), "/var/run/postgresql");
    }

    #[test]
    fn a_quoted_value_keeps_spaces_quotes_and_backslashes() {
        let text = r"host = '/tmp/a b' password='it\'s \\ here' dbname=x";
        let parameters = Parameters::parse(text).unwrap();
        assert_eq!(value(&parameters, "host"), "/tmp/a b");
        assert_eq!(value(&parameters, "password"), r"it's \ here");
        assert_eq!(value(&parameters, "dbname"), "x");
    }

    #[test]
    fn environment_variables_fill_missing_parameters() {
        let environment = |name: &str| match name {
            "PGHOST" => Some("from-environment".to_owned()),
            "PGUSER" => Some("somebody".to_owned()),
            _ => None,
        };
        let parameters = Parameters::parse("host=given")
            .unwrap()
            .with_defaults_from(environment);
        assert_eq!(value(&parameters, "host"), "given");
        assert_eq!(value(&parameters, "user"), "somebody");
    }

    #[test]
    fn unparsable_conninfo_is_refused_without_echoing_a_secret() {
        for text in [
            "hunter2",
            "password='hunter2",
            "postgresql://h/d?hunter2",
            "password=hunter2 hunter2",
            "password=a hunter2=c",
            "password=a hunter2 = c",
            "postgresql://me:pa?hunter2=x@h/d",
            "postgresql://me:2024/hunter2@h/d",
            "postgresql://me:2024/hunter2@h/d?sslmode=require",
            "postgresql://me:hunter2/x@h/d",
        ] {
            let error = Parameters::parse(text).err().unwrap();
            for shown in [error.to_string(), format!("{error:?}")] {
                assert!(!shown.contains("hunter2"), "{text}: {shown}");
            }
        }
    }

    #[test]
    fn a_password_with_a_slash_is_not_taken_for_a_database() {
        let error = Parameters::parse("postgresql://me:2024/secret@h/d");
        assert!(matches!(error, Err(TargetError::AtSignInDatabase)));
        let encoded = Parameters::parse("postgresql://me:2024%2Fsecret@h/a%40b").unwrap();
        assert_eq!(value(&encoded, "password"), "2024/secret");
        assert_eq!(value(&encoded, "dbname"), "a@b");
    }

    #[test]
    fn mistyped_keyword_suggests_the_closest_one() {
        for (written, meant) in [
            ("hots", "host"),
            ("pasword", "password"),
            ("Port", "port"),
            ("ssl_mode", "sslmode"),
            ("sslrootcret", "sslrootcert"),
        ] {
            let error = Parameters::parse(&format!("{written}=x")).err().unwrap();
            assert!(
                error.to_string().contains(&format!("\"{meant}\"")),
                "{error}"
            );
        }
        for unlike in ["ss", "b", "", "correct-horse"] {
            let error = Parameters::parse(&format!("{unlike}=x"));
            assert!(
                matches!(error, Err(TargetError::UnknownParameter)),
                "{unlike}"
            );
        }
    }

    #[test]
    fn unsupported_libpq_keyword_is_named() {
        let error = Parameters::parse("sslcrl=/crl").err().unwrap();
        assert!(error.to_string().contains("sslcrl"), "{error}");
    }
}
