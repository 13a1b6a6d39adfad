//! Where the server is: `mcp:<program>` or `mcp:https://…`.

use std::path::Path;

use dotwrap_invoke::{AllowedHosts, UnsupportedContract};
use url::Url;

const SCHEME: &str = "mcp:";

/// Where a server is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Endpoint {
    /// A program that speaks the protocol on its standard input and output.
    Program(String),
    /// A service that speaks it over HTTPS.
    Service(Url),
}

impl Endpoint {
    pub(crate) fn parse(endpoint_ref: Option<&str>) -> Result<Self, UnsupportedContract> {
        let place = endpoint_ref
            .and_then(|text| text.strip_prefix(SCHEME))
            .filter(|place| !place.is_empty())
            .ok_or_else(|| {
                invalid("the endpoint is not of the form mcp:<program> or mcp:https://…")
            })?;
        if !place.contains("://") {
            return Self::program(place);
        }
        let address = Url::parse(place)
            .map_err(|error| invalid(&format!("the endpoint's address: {error}")))?;
        if address.scheme() != "https" {
            return Err(invalid("a service is only called over https"));
        }
        if !address.username().is_empty() || address.password().is_some() {
            return Err(invalid("the endpoint's address holds a user or a password")
                .hint("name a variable with a bearer token in `token_environment`"));
        }
        Ok(Self::Service(address))
    }

    fn program(name: &str) -> Result<Self, UnsupportedContract> {
        let is_relative = name.contains('/') && !Path::new(name).is_absolute();
        if is_relative || name.contains('\0') {
            return Err(invalid("the endpoint's program is a relative path")
                .hint("a name that is looked for in the search path, or an absolute path"));
        }
        Ok(Self::Program(name.to_owned()))
    }

    /// Refuses a service on a host that nobody allowed.
    pub(crate) fn check_host(&self, allowed: &AllowedHosts) -> Result<(), UnsupportedContract> {
        match self {
            Self::Service(address) if !allowed.allows(address) => {
                let host = address.host_str().unwrap_or_default();
                Err(UnsupportedContract::local(
                    "host_not_allowed",
                    format!("host {host} is not allowed"),
                )
                .hint("add it to the hosts that services may be called on; none is as shipped"))
            }
            _ => Ok(()),
        }
    }
}

fn invalid(message: &str) -> UnsupportedContract {
    UnsupportedContract::new("endpoint_invalid", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_and_services_are_told_apart() {
        assert_eq!(
            Endpoint::parse(Some("mcp:kg-server")),
            Ok(Endpoint::Program("kg-server".to_owned()))
        );
        let service = Endpoint::parse(Some("mcp:https://kg.example/mcp")).unwrap();
        assert_eq!(
            service,
            Endpoint::Service("https://kg.example/mcp".parse().unwrap())
        );
    }

    #[test]
    fn what_is_neither_is_refused() {
        for wrong in [
            None,
            Some("mcp:"),
            Some("command:kg"),
            Some("mcp:http://kg.example/"),
            Some("mcp:file:///bin/sh"),
            Some("mcp:https://"),
            Some("mcp:https://user:word@kg.example/"),
        ] {
            let refused = Endpoint::parse(wrong).unwrap_err();
            assert_eq!(refused.code, "endpoint_invalid", "{wrong:?}");
        }
    }
}
