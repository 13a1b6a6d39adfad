//! Where a contract wants to go, and whether it may.

use dotwrap_invoke::UnsupportedContract;
use dotwrap_types::Contract;
use reqwest::Url;

use dotwrap_invoke::AllowedHosts;

/// An address that may be called.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    pub(crate) url: Url,
    /// `host:port`.
    pub(crate) place: String,
}

impl Endpoint {
    pub(crate) fn of(
        contract: &Contract,
        allowed: &AllowedHosts,
    ) -> Result<Self, UnsupportedContract> {
        let text = contract.endpoint_ref.as_deref().unwrap_or_default();
        let url = parse(text)?;
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
            return Err(invalid("the endpoint names no host"));
        };
        let place = format!("{host}:{port}");
        if !allowed.allows(&url) {
            let message = format!("host {place} is not allowed");
            let hint = format!(
                "allow it with `--agent-host {place}`, DOTWRAP_AGENT_HOSTS={place}, or `agent_hosts = [\"{place}\"]` \
                 in dotwrap.toml"
            );
            return Err(UnsupportedContract::local("host_not_allowed", message).hint(hint));
        }
        Ok(Self { url, place })
    }
}

/// Reads an address, without the generosity of browsers: what is allowed must be what people read.
fn parse(text: &str) -> Result<Url, UnsupportedContract> {
    let rest = text
        .strip_prefix("https://")
        .ok_or_else(|| invalid("the endpoint of an agent service begins with `https://`"))?;
    if text.contains(|c: char| c.is_control() || c.is_whitespace() || c == '\\') {
        return Err(invalid(
            "the endpoint has white space, a control character or a backslash",
        ));
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        let message = "the endpoint names a user: an address can be read by everybody";
        return Err(
            invalid(message).hint("name the variable of a bearer token in `token_environment`")
        );
    }
    let url = Url::parse(text).map_err(|error| invalid(format!("the endpoint: {error}")))?;
    if url.fragment().is_some() {
        return Err(invalid("the endpoint has a fragment, which is never sent"));
    }
    Ok(url)
}

fn invalid(message: impl Into<String>) -> UnsupportedContract {
    UnsupportedContract::new("endpoint_invalid", message)
}
