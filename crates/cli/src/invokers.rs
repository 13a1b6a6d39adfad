//! The invokers that this program brings, one an engine.

use std::path::{Path, PathBuf};

use dotwrap_invoke::AllowedHosts;
use dotwrap_invoke_agent_api::AgentApiInvoker;
use dotwrap_invoke_command::{CommandInvoker, Supervisor};
use dotwrap_invoke_mcp::McpInvoker;
use dotwrap_runner::InvokerRegistry;

use crate::failure::Failure;

/// All of them. Hosts that are not named are not called. What `secret_paths` says would let a tool into a ledger.
pub(crate) fn all(
    hosts: &[String],
    authorities: Option<&Path>,
    require_sandbox: bool,
    ways_in: impl Fn() -> Vec<PathBuf> + Send + Sync + 'static,
) -> Result<InvokerRegistry, Failure> {
    // Besides its tools, this program starts only the embedded server's keeper, and no second time.
    let supervisor = Supervisor::of_this_program()
        .as_subreaper()
        .requiring_sandbox(require_sandbox)
        .hiding_paths_dynamic(ways_in);
    let hosts = AllowedHosts::from_entries(hosts).map_err(|error| {
        Failure::usage(error.to_string()).hint(
            "agent_hosts in dotwrap.toml, DOTWRAP_AGENT_HOSTS and --agent-host take host or host:port",
        )
    })?;
    Ok(InvokerRegistry::new()
        .with("command", CommandInvoker::new(supervisor.clone()))
        .with("agent_api", agent_api(hosts.clone(), authorities)?)
        .with("mcp", mcp(supervisor, hosts, authorities)?))
}

fn agent_api(hosts: AllowedHosts, authorities: Option<&Path>) -> Result<AgentApiInvoker, Failure> {
    let settings = dotwrap_invoke_agent_api::Settings {
        allowed_hosts: hosts,
        authority_files: authorities.map(Path::to_owned).into_iter().collect(),
        ..Default::default()
    };
    AgentApiInvoker::new(settings).map_err(|error| Failure::usage(error.to_string()))
}

fn mcp(
    supervisor: Supervisor,
    hosts: AllowedHosts,
    authorities: Option<&Path>,
) -> Result<McpInvoker, Failure> {
    let invoker = McpInvoker::new(supervisor, hosts);
    let Some(file) = authorities else {
        return Ok(invoker);
    };
    let unreadable = |error: String| {
        Failure::usage(format!(
            "the certificates in {} can not be used: {error}",
            file.display()
        ))
    };
    let pem = std::fs::read(file).map_err(|error| unreadable(error.to_string()))?;
    invoker
        .with_authorities(&pem)
        .map_err(|error| unreadable(error.to_string()))
}
