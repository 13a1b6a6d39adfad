//! `invocation` of a contract, as this engine reads it.

use dotwrap_invoke::{AllowedHosts, Secrets, UnsupportedContract};
use dotwrap_supervisor::{ProgramSpec, RawProgram, explain_bytes};
use dotwrap_types::{ComponentRole, Contract};
use serde::Deserialize;
use serde_json::{Map, Value as Json};
use url::Url;

use crate::{arguments, endpoint::Endpoint};

const MAX_RESPONSE_BYTES: u64 = 16 << 20;

/// The most that a contract may have read of a server: an answer is held in memory.
const HIGHEST_MAX_RESPONSE_BYTES: u64 = 256 << 20;

/// What is called, where, and how.
#[derive(Clone, Debug)]
pub(crate) struct Invocation {
    pub(crate) tool: String,
    pub(crate) arguments: Map<String, Json>,
    pub(crate) max_response_bytes: u64,
    pub(crate) server: Server,
}

/// How the server is reached.
#[derive(Clone, Debug)]
pub(crate) enum Server {
    /// By starting it.
    Program(Box<ProgramSpec>),
    /// Over HTTPS.
    Service {
        address: Url,
        token_environment: Option<String>,
    },
}

/// The keys of both transports.
#[derive(Debug, Deserialize)]
struct Written {
    tool: String,
    #[serde(default)]
    arguments: Map<String, Json>,
    #[serde(default = "max_response_bytes")]
    max_response_bytes: u64,
    token_environment: Option<String>,
    /// What only a process understands.
    #[serde(flatten)]
    others: Map<String, Json>,
}

fn max_response_bytes() -> u64 {
    MAX_RESPONSE_BYTES
}

impl Invocation {
    /// Reads a contract, and looks at everything that can be known without asking the server.
    pub(crate) fn read(
        contract: &Contract,
        allowed_hosts: &AllowedHosts,
    ) -> Result<Self, UnsupportedContract> {
        Endpoint::parse(contract.endpoint_ref.as_deref())?.check_host(allowed_hosts)?;
        let invocation = Self::parse(contract)?;
        if let Server::Service {
            token_environment, ..
        } = &invocation.server
        {
            token(token_environment.as_deref())?;
        }
        Ok(invocation)
    }

    /// Reads a contract, without looking at what this machine allows and has.
    pub(crate) fn parse(contract: &Contract) -> Result<Self, UnsupportedContract> {
        let endpoint = Endpoint::parse(contract.endpoint_ref.as_deref())?;
        let written = Written::deserialize(&contract.invocation)
            .map_err(|error| invalid(format!("invocation: {error}")))?;
        if written.tool.is_empty() {
            return Err(invalid("tool: it has no name"));
        }
        if !(1..=HIGHEST_MAX_RESPONSE_BYTES).contains(&written.max_response_bytes) {
            return Err(invalid(format!(
                "max_response_bytes is between 1 and {HIGHEST_MAX_RESPONSE_BYTES}"
            )));
        }
        arguments::check(&written.arguments, contract)
            .map_err(|why| invalid(format!("arguments: {why}")))?;
        let server = match endpoint {
            Endpoint::Program(program) => {
                if written.token_environment.is_some() {
                    return Err(invalid("token_environment is for services over HTTP")
                        .hint("name the variable in `environment`"));
                }
                let keys = RawProgram::deserialize(Json::Object(written.others))
                    .map_err(|error| invalid(format!("invocation: {error}")))?;
                Server::Program(Box::new(ProgramSpec::read(program, keys, contract)?))
            }
            Endpoint::Service(address) => {
                if let Some(other) = written.others.keys().next() {
                    let message = format!("`{other}` is no key of a service over HTTP");
                    return Err(invalid(message));
                }
                Server::Service {
                    address,
                    token_environment: written.token_environment,
                }
            }
        };
        Ok(Self {
            tool: written.tool,
            arguments: written.arguments,
            max_response_bytes: written.max_response_bytes,
            server,
        })
    }

    /// In sentences for people.
    pub(crate) fn explain(&self, contract: &Contract) -> Vec<String> {
        let is_real = contract.mode == "REAL_RUN";
        let mut rules = vec![
            format!("It calls the tool `{}` of an MCP server.", self.tool),
            format!(
                "The server may send {} during the call.",
                explain_bytes(self.allowance())
            ),
            match is_real {
                true => "The server's hints about its tool decide nothing.".to_owned(),
                false => "A tool without the hint readOnlyHint is not called.".to_owned(),
            },
        ];
        match &self.server {
            Server::Program(program) => {
                rules.push("The server is a program that is started for the call.".to_owned());
                rules.extend(program.explain(is_real));
            }
            Server::Service {
                address,
                token_environment,
            } => {
                rules.push(format!(
                    "The server is at {address}; its host must be allowed by the runner's settings."
                ));
                rules.push(match token_environment {
                    Some(name) => {
                        format!("It is sent the bearer token in the runner's variable {name}.")
                    }
                    None => "It is sent no token.".to_owned(),
                });
            }
        }
        rules
    }

    /// Everything that the server may send. What a process prints is what it sends.
    pub(crate) fn allowance(&self) -> u64 {
        let of_process = match &self.server {
            Server::Program(program) => program.limits().stdout_bytes,
            Server::Service { .. } => None,
        };
        of_process.map_or(self.max_response_bytes, |most| {
            most.min(self.max_response_bytes)
        })
    }

    /// How many bytes its output may have. A process may leave no more than its contract says, and the kernel has
    /// limited each of its files alone; what a service sends is in its allowance.
    pub(crate) fn most_output(&self) -> u64 {
        match &self.server {
            Server::Program(program) => program.limits().output_bytes(),
            Server::Service { .. } => u64::MAX,
        }
    }

    /// What the server is given and must not say back.
    pub(crate) fn secrets(&self) -> Secrets {
        match &self.server {
            Server::Program(program) => program.secrets(),
            Server::Service {
                token_environment, ..
            } => Secrets::new(token(token_environment.as_deref()).ok().flatten()),
        }
    }

    /// Whether the tool itself is to leave its output in a file.
    pub(crate) fn asks_for_output(&self, role: ComponentRole) -> bool {
        let by_program = match &self.server {
            Server::Program(program) => program.names("output"),
            Server::Service { .. } => false,
        };
        role == ComponentRole::Producer
            && (by_program || arguments::names(&self.arguments, "output"))
    }
}

/// The bearer token, where one is wanted.
pub(crate) fn token(variable: Option<&str>) -> Result<Option<String>, UnsupportedContract> {
    let Some(name) = variable else {
        return Ok(None);
    };
    let missing = |what: &str| {
        UnsupportedContract::local("token_missing", format!("the variable {name} {what}"))
            .hint("set it in the environment of the runner")
    };
    let token = std::env::var(name).map_err(|_error| missing("is not set"))?;
    let is_sendable = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    if is_sendable {
        Ok(Some(token))
    } else {
        Err(missing("holds no bearer token"))
    }
}

pub(crate) fn invalid(message: impl Into<String>) -> UnsupportedContract {
    UnsupportedContract::new("invocation_invalid", message)
}
