//! What a contract says about how it is called.

use std::{ffi::OsString, fmt};

use dotwrap_invoke::{Secrets, UnsupportedContract};
use dotwrap_types::Contract;
use reqwest::header::HeaderValue;
use serde::Deserialize;

use crate::Settings;

/// The most that a contract may have read of an answer: it is held in memory.
const HIGHEST_MAX_RESPONSE_BYTES: u64 = 256 << 20;

/// The keys of `invocation`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    token_environment: Option<String>,
    max_response_bytes: Option<u64>,
}

/// How a contract is called.
#[derive(Debug)]
pub(crate) struct Invocation {
    pub(crate) token: Option<Token>,
    pub(crate) max_response_bytes: u64,
}

/// A bearer token. It has no way to be shown.
#[derive(Clone)]
pub(crate) struct Token(String);

impl Invocation {
    /// Whether it is understood, without looking at this machine's environment.
    pub(crate) fn check(
        contract: &Contract,
        settings: &Settings,
    ) -> Result<(), UnsupportedContract> {
        keys(contract, settings).map(drop)
    }

    /// In sentences for people.
    pub(crate) fn explain(
        contract: &Contract,
        settings: &Settings,
    ) -> Result<Vec<String>, UnsupportedContract> {
        let (token_environment, max_response_bytes) = keys(contract, settings)?;
        let endpoint = contract.endpoint_ref.as_deref().unwrap_or_default();
        Ok(vec![
            format!(
                "It calls the agent service at {endpoint}; its host must be allowed by the runner's settings."
            ),
            match token_environment {
                Some(name) => {
                    format!("It is sent the bearer token in the runner's variable {name}.")
                }
                None => "It is sent no token.".to_owned(),
            },
            format!("At most {max_response_bytes} bytes of its answer are read."),
        ])
    }

    pub(crate) fn of(
        contract: &Contract,
        settings: &Settings,
    ) -> Result<Self, UnsupportedContract> {
        let (token_environment, max_response_bytes) = keys(contract, settings)?;
        let token = token_environment
            .map(|name| Token::from_environment(&name, settings.environment))
            .transpose()?;
        Ok(Self {
            token,
            max_response_bytes,
        })
    }

    /// What a service must not say back.
    pub(crate) fn secrets(&self) -> Secrets {
        Secrets::new(self.token.iter().map(|token| token.0.clone()))
    }
}

impl Token {
    fn from_environment(
        name: &str,
        environment: fn(&str) -> Option<OsString>,
    ) -> Result<Self, UnsupportedContract> {
        let is_name = !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !is_name {
            // Not repeated in the message: it may be the token itself.
            let message = "token_environment is the name of an environment variable, not a token";
            return Err(invalid(message));
        }
        let value = environment(name).filter(|value| !value.is_empty());
        let value = value.ok_or_else(|| {
            UnsupportedContract::new(
                "token_missing",
                format!("the environment variable {name} is not set"),
            )
            .hint("set it, to the service's bearer token, where the runner is started")
        })?;
        let token = Self(value.into_string().map_err(|_not_text| unfit(name))?);
        token.header().map(|_| token).ok_or_else(|| unfit(name))
    }

    /// The header's value, marked so that nobody prints it. None, where it has a character that cannot be sent.
    pub(crate) fn header(&self) -> Option<HeaderValue> {
        if !self.0.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        let mut value = HeaderValue::try_from(format!("Bearer {}", self.0)).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Token(…)")
    }
}

/// The variable that holds the token, and how many bytes an answer may have.
fn keys(
    contract: &Contract,
    settings: &Settings,
) -> Result<(Option<String>, u64), UnsupportedContract> {
    let keys = if contract.invocation.is_null() {
        Keys::default()
    } else if contract.invocation.is_object() {
        Keys::deserialize(&contract.invocation).map_err(|error| invalid(error.to_string()))?
    } else {
        return Err(invalid("it is an object"));
    };
    let max_response_bytes = keys
        .max_response_bytes
        .unwrap_or(settings.max_response_bytes);
    if !(1..=HIGHEST_MAX_RESPONSE_BYTES).contains(&max_response_bytes) {
        return Err(invalid(format!(
            "max_response_bytes is between 1 and {HIGHEST_MAX_RESPONSE_BYTES}"
        )));
    }
    Ok((keys.token_environment, max_response_bytes))
}

fn invalid(message: impl fmt::Display) -> UnsupportedContract {
    UnsupportedContract::new("invocation_invalid", format!("invocation: {message}"))
        .hint("an agent_api contract knows token_environment and max_response_bytes")
}

fn unfit(name: &str) -> UnsupportedContract {
    let message = format!("the environment variable {name} holds what cannot be a bearer token");
    UnsupportedContract::local("token_invalid", message)
}
