//! The invokers that this program has, one for each engine.

use std::path::{Path, PathBuf};

use dotwrap_invoke::AllowedHosts;
use dotwrap_invoke_agent_api::AgentApiInvoker;
use dotwrap_invoke_command::CommandInvoker;
use dotwrap_invoke_mcp::McpInvoker;
use dotwrap_runner::{InvokerRegistry, Runner, RunsDir, default_runner_name};
use dotwrap_supervisor::{Supervisor, check_declared_paths};
use dotwrap_types::Contract;
use dotwrap_wrapper::Wrapper;

/// How tools may be called.
#[derive(Clone, Debug, Default)]
pub struct ExecutionSettings {
    /// The hosts of agent services and MCP servers that may be called, as `host` or `host:port`.
    pub hosts: Vec<String>,
    /// A PEM file of certificates to trust besides the system's.
    pub authorities: Option<PathBuf>,
    /// Whether dry runs are refused where the system has no complete sandbox.
    pub require_sandbox: bool,
    /// How many bytes stay free on the disk of the runs' folder.
    pub min_free_bytes: u64,
}

/// Why the invokers cannot be built from the settings.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvokerError {
    /// An entry of the allowed hosts is no host.
    #[error("{0}")]
    Hosts(String),
    /// The file of certificates cannot be used.
    #[error("{0}")]
    Authorities(String),
}

/// Why an engine cannot call a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvocationRefusal {
    /// The stable code of the refusal.
    pub code: String,
    /// What was wrong.
    pub message: String,
}

/// A runner with these settings. `hidden` returns the paths that tools may not read; it is called before each call.
///
/// # Errors
/// [`InvokerError`]
pub fn runner(
    ledger: Wrapper,
    settings: &ExecutionSettings,
    runs: RunsDir,
    hidden: impl Fn() -> Vec<PathBuf> + Send + Sync + 'static,
) -> Result<Runner, InvokerError> {
    let host = whoami::hostname().unwrap_or_else(|_| "localhost".to_owned());
    let engines = invokers(settings, hidden)?;
    Ok(
        Runner::new(ledger, engines, runs, default_runner_name(&host))
            .with_min_free_bytes(settings.min_free_bytes),
    )
}

/// Checks contracts without calling anything.
#[derive(Debug)]
pub struct InvocationChecker(InvokerRegistry);

impl InvocationChecker {
    /// A checker for the engines of this program.
    ///
    /// # Errors
    /// [`InvokerError`]: the invokers cannot be built.
    pub fn new() -> Result<Self, InvokerError> {
        invokers(&ExecutionSettings::default(), Vec::new).map(Self)
    }

    /// Whether the engine understands the contract's `invocation`, and whether its dry run keeps the file system
    /// closed. It does not look whether this machine has the program.
    ///
    /// # Errors
    /// The refusal's code and message.
    pub fn check(&self, engine: &str, contract: &Contract) -> Result<(), InvocationRefusal> {
        let refusal = |code: &str, message| InvocationRefusal {
            code: code.to_owned(),
            message,
        };
        self.0
            .check_invocation(engine, contract)
            .map_err(|unusable| refusal(unusable.code, unusable.message))?;
        if contract.mode == "DRY_RUN" {
            check_declared_paths(&contract.invocation)
                .map_err(|why| refusal("invocation_invalid", why))?;
        }
        Ok(())
    }
}

impl InvocationChecker {
    /// What a contract's `invocation` comes to, in sentences for people.
    ///
    /// # Errors
    /// Why the engine does not understand it.
    pub fn explain(
        &self,
        engine: &str,
        contract: &Contract,
    ) -> Result<Vec<String>, InvocationRefusal> {
        self.0
            .explain(engine, contract)
            .map_err(|unusable| InvocationRefusal {
                code: unusable.code.to_owned(),
                message: unusable.message,
            })
    }
}

fn invokers(
    settings: &ExecutionSettings,
    hidden: impl Fn() -> Vec<PathBuf> + Send + Sync + 'static,
) -> Result<InvokerRegistry, InvokerError> {
    let supervisor = Supervisor::of_this_program()
        .as_subreaper()
        .requiring_sandbox(settings.require_sandbox)
        .hiding_paths_dynamic(hidden);
    let hosts = AllowedHosts::from_entries(&settings.hosts)
        .map_err(|error| InvokerError::Hosts(error.to_string()))?;
    let authorities = settings.authorities.as_deref();
    Ok(InvokerRegistry::new()
        .with("command", CommandInvoker::new(supervisor.clone()))
        .with("agent_api", agent_api(hosts.clone(), authorities)?)
        .with("mcp", mcp(supervisor, hosts, authorities)?))
}

fn agent_api(
    hosts: AllowedHosts,
    authorities: Option<&Path>,
) -> Result<AgentApiInvoker, InvokerError> {
    let settings = dotwrap_invoke_agent_api::Settings {
        allowed_hosts: hosts,
        authority_files: authorities.map(Path::to_owned).into_iter().collect(),
        ..Default::default()
    };
    AgentApiInvoker::new(settings).map_err(|error| InvokerError::Authorities(error.to_string()))
}

fn mcp(
    supervisor: Supervisor,
    hosts: AllowedHosts,
    authorities: Option<&Path>,
) -> Result<McpInvoker, InvokerError> {
    let invoker = McpInvoker::new(supervisor, hosts);
    let Some(file) = authorities else {
        return Ok(invoker);
    };
    let unusable = |error: String| {
        InvokerError::Authorities(format!(
            "the certificates in {} cannot be used: {error}",
            file.display()
        ))
    };
    let pem = std::fs::read(file).map_err(|error| unusable(error.to_string()))?;
    invoker
        .with_authorities(&pem)
        .map_err(|error| unusable(error.to_string()))
}
