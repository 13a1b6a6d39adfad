//! The invoker of each engine.

use std::{collections::BTreeMap, fmt, sync::Arc};

use dotwrap_invoke::{Invoker, Mode, UnsupportedContract};
use dotwrap_wrapper::Contract;

/// The invokers, by the registry's engines.
#[derive(Clone, Default)]
pub struct InvokerRegistry(BTreeMap<&'static str, Arc<dyn Invoker>>);

/// The mode of a verifier's contract for verifying again.
pub(crate) const VERIFY_ONLY: &str = "VERIFY_ONLY";

/// The form in which a contract's tool is called. None: the contract is a plan without a call. A verifier verifies
/// again in a dry run.
pub(crate) fn called_mode(contract: &Contract) -> Option<Mode> {
    let is_verified_again = contract.mode == VERIFY_ONLY && contract.endpoint_ref.is_some();
    match contract.mode.parse() {
        Ok(mode) => Some(mode),
        Err(_) => is_verified_again.then_some(Mode::DryRun),
    }
}

/// The scheme of an engine's endpoints.
const ENDPOINTS: [(&str, &str); 3] = [
    ("command", "command:"),
    ("agent_api", "https://"),
    ("mcp", "mcp:"),
];

impl InvokerRegistry {
    /// Without invokers: every DOT is refused as `engine_missing`.
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers the invoker of an engine: `command`, `agent_api` or `mcp`.
    #[must_use]
    pub fn with(mut self, engine: &'static str, invoker: impl Invoker + 'static) -> Self {
        self.0.insert(engine, Arc::new(invoker));
        self
    }

    /// Checks whether the engine's invoker accepts the `invocation` of an active contract, on whatever machine.
    /// Contracts without a call, inactive contracts and engines without an invoker are not checked.
    ///
    /// # Errors
    /// The defect.
    pub fn check_invocation(
        &self,
        engine: &str,
        contract: &Contract,
    ) -> Result<(), UnsupportedContract> {
        let is_called = called_mode(contract).is_some() && contract.contract_status == "active";
        match self.0.get(engine) {
            Some(invoker) if is_called => invoker.check_invocation(contract),
            _ => Ok(()),
        }
    }

    /// What a contract's `invocation` comes to, in sentences for people; none for a mode without a call.
    ///
    /// # Errors
    /// `engine_missing`, or what the engine does not understand.
    pub fn explain(
        &self,
        engine: &str,
        contract: &Contract,
    ) -> Result<Vec<String>, UnsupportedContract> {
        if contract.mode.parse::<Mode>().is_err() {
            return Ok(Vec::new());
        }
        let endpoint = contract.endpoint_ref.as_deref().unwrap_or_default();
        self.invoker(engine, endpoint)?.explain(contract)
    }

    /// The invoker of an engine, for an endpoint of that engine.
    ///
    /// # Errors
    /// `engine_missing`, `engine_mismatch`.
    pub(crate) fn invoker(
        &self,
        engine: &str,
        endpoint: &str,
    ) -> Result<Arc<dyn Invoker>, UnsupportedContract> {
        let invoker = self.0.get(engine).ok_or_else(|| {
            UnsupportedContract::local("engine_missing", format!("no invoker for engine {engine}"))
                .hint(
                    "register the DOT with an engine that can be called: command, agent_api or mcp",
                )
        })?;
        let expected = ENDPOINTS.iter().find(|(known, _)| *known == engine);
        match expected {
            Some((_, beginning)) if !endpoint.starts_with(beginning) => {
                Err(UnsupportedContract::new(
                    "engine_mismatch",
                    format!("the engine {engine} cannot call {endpoint}"),
                )
                .hint(format!("its endpoints begin with {beginning}")))
            }
            _ => Ok(Arc::clone(invoker)),
        }
    }
}

impl fmt::Debug for InvokerRegistry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}
