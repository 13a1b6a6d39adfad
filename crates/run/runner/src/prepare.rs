//! Reads and checks the pair, its contracts and fixtures before anything is written.

use std::{fmt, sync::Arc};

use dotwrap_invoke::{Invoker, Mode, UnsupportedContract};
use dotwrap_wrapper::{
    CandidateCode, ComponentRole, Contract, DotCode, Fixture, Posture, Tool, Wrapper,
};

use crate::{
    Error, InvokerRegistry,
    engines::{VERIFY_ONLY, called_mode},
    schema::Schema,
};

/// One member of a pair, with its contract and its invoker.
#[derive(Clone)]
pub struct PairMember {
    /// The DOT.
    pub dot_code: DotCode,
    /// The contract: what is called and how.
    pub contract: Contract,
    pub(crate) fixture: Option<Fixture>,
    pub(crate) invoker: Arc<dyn Invoker>,
    pub(crate) output_schema: Option<Schema>,
}

/// A pair that can be called in a mode, as the registry described it when it was prepared.
#[derive(Debug)]
pub struct Prepared {
    /// The mode.
    pub mode: Mode,
    /// The candidate of its runs.
    pub candidate: CandidateCode,
    /// The producer.
    pub producer: PairMember,
    /// The verifier.
    pub verifier: PairMember,
    /// The schema of a verifier's answer in the producer's contract.
    pub(crate) verifier_schema: [Option<Schema>; 2],
}

impl fmt::Debug for PairMember {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PairMember")
            .field("dot_code", &self.dot_code)
            .field("endpoint_ref", &self.contract.endpoint_ref)
            .finish_non_exhaustive()
    }
}

/// The registry's entries for a pair, as far as they exist.
struct MemberLookup {
    producer: Option<Tool>,
    verifier: Option<Tool>,
    contracts: [Option<Contract>; 2],
}

impl Prepared {
    /// Reads the registry's entries for a pair. None where the database itself would refuse the run: something is
    /// missing or a gate is closed. Beginning the run then returns the refusal.
    pub(crate) async fn read(
        wrapper: &Wrapper,
        engines: &InvokerRegistry,
        producer: &DotCode,
        candidate: &CandidateCode,
        mode: Mode,
    ) -> Result<Option<Self>, Error> {
        let needed = match mode {
            Mode::DryRun => Posture::DryRunOnly,
            Mode::RealRun => Posture::RealRun,
        };
        if wrapper.posture().await? < needed {
            return Ok(None);
        }
        let found = find(wrapper, producer, candidate, mode).await?;
        let MemberLookup {
            producer: Some(producer),
            verifier: Some(verifier),
            contracts: [Some(of_producer), Some(of_verifier)],
        } = found
        else {
            return Ok(None);
        };
        let schemas = [&of_producer, &of_verifier]
            .map(|contract| Schema::read("verifier_schema", contract.verifier_schema.as_ref()));
        let [first, second] = schemas;
        let unusable = |reason| Error::Unusable {
            dot_code: producer.dot_code.clone(),
            reason,
        };
        let verifier_schema = [first.map_err(unusable)?, second.map_err(unusable)?];
        Ok(Some(Self {
            mode,
            candidate: candidate.clone(),
            producer: PairMember::of(wrapper, engines, &producer, of_producer, mode).await?,
            verifier: PairMember::of(wrapper, engines, &verifier, of_verifier, mode).await?,
            verifier_schema,
        }))
    }

    /// The verifier of a pair, prepared to verify an earlier output again: by its contract for that, `VERIFY_ONLY`,
    /// else by its `DRY_RUN` one. None where the database would refuse it. Such a run calls no producer, and the
    /// verifier stands in for it here.
    pub(crate) async fn for_reverification(
        wrapper: &Wrapper,
        engines: &InvokerRegistry,
        producer: &DotCode,
        candidate: &CandidateCode,
    ) -> Result<Option<Self>, Error> {
        if wrapper.posture().await? < Posture::DryRunOnly {
            return Ok(None);
        }
        let paired = wrapper
            .tool(producer)
            .await?
            .and_then(|tool| tool.paired_dot);
        let Some(code) = paired else {
            return Ok(None);
        };
        let contracts = wrapper.contracts_to_call_of(&code).await?;
        let of_mode = |mode: &str| {
            let mut contracts = contracts.iter();
            contracts
                .find(|one| called_mode(one).is_some() && serves(one, candidate, mode))
                .cloned()
        };
        let contract = of_mode(VERIFY_ONLY).or_else(|| of_mode(Mode::DryRun.as_ref()));
        let (Some(contract), Some(tool)) = (contract, wrapper.tool(&code).await?) else {
            return Ok(None);
        };
        let schema = Schema::read("verifier_schema", contract.verifier_schema.as_ref());
        let schema = schema.map_err(|reason| Error::Unusable {
            dot_code: code,
            reason,
        })?;
        let verifier = PairMember::of(wrapper, engines, &tool, contract, Mode::DryRun).await?;
        Ok(Some(Self {
            mode: Mode::DryRun,
            candidate: candidate.clone(),
            producer: verifier.clone(),
            verifier,
            verifier_schema: [schema, None],
        }))
    }

    pub(crate) fn side(&self, role: ComponentRole) -> &PairMember {
        match role {
            ComponentRole::Producer => &self.producer,
            ComponentRole::Verifier => &self.verifier,
        }
    }
}

impl PairMember {
    async fn of(
        wrapper: &Wrapper,
        engines: &InvokerRegistry,
        tool: &Tool,
        contract: Contract,
        mode: Mode,
    ) -> Result<Self, Error> {
        let unusable = |reason: UnsupportedContract| Error::Unusable {
            dot_code: tool.dot_code.clone(),
            reason,
        };
        let (invoker, output_schema) =
            callable(engines, tool, &contract, mode).map_err(unusable)?;
        let fixture = match &contract.fixture_ref {
            Some(fixture_ref) => wrapper.fixture_to_call(fixture_ref).await?,
            None => None,
        };
        Ok(Self {
            dot_code: tool.dot_code.clone(),
            contract,
            fixture,
            invoker,
            output_schema,
        })
    }
}

/// The invoker of the tool, where it can call the contract, and the schema of the output.
pub(crate) fn callable(
    engines: &InvokerRegistry,
    tool: &Tool,
    contract: &Contract,
    mode: Mode,
) -> Result<(Arc<dyn Invoker>, Option<Schema>), UnsupportedContract> {
    let endpoint = contract.endpoint_ref.as_deref().unwrap_or_default();
    let invoker = engines.invoker(&tool.execution_engine, endpoint)?;
    invoker.check(contract, mode)?;
    let schema = contract.expected_output_schema.as_ref();
    Ok((invoker, Schema::read("expected_output_schema", schema)?))
}

async fn find(
    wrapper: &Wrapper,
    producer: &DotCode,
    candidate: &CandidateCode,
    mode: Mode,
) -> Result<MemberLookup, Error> {
    let producer = wrapper.tool(producer).await?;
    let paired = producer.as_ref().and_then(|tool| tool.paired_dot.clone());
    let verifier = match &paired {
        Some(code) => wrapper.tool(code).await?,
        None => None,
    };
    let mut contracts = [None, None];
    for (place, tool) in contracts.iter_mut().zip([&producer, &verifier]) {
        if let Some(tool) = tool {
            *place = wrapper
                .contracts_to_call_of(&tool.dot_code)
                .await?
                .into_iter()
                .find(|contract| counts_for(contract, candidate, mode));
        }
    }
    Ok(MemberLookup {
        producer,
        verifier,
        contracts,
    })
}

/// The same decision as the database makes when the run is begun.
fn counts_for(contract: &Contract, candidate: &CandidateCode, mode: Mode) -> bool {
    serves(contract, candidate, mode.as_ref())
}

fn serves(contract: &Contract, candidate: &CandidateCode, mode: &str) -> bool {
    contract.mode == mode
        && contract.contract_status == "active"
        && contract
            .candidate_code
            .as_ref()
            .is_none_or(|code| code == candidate.as_str())
}
