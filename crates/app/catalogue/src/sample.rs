//! The sample catalogue, built into the program.
use dotwrap_app::Problem;
use include_dir::{Dir, include_dir};

use crate::{Catalogue, CatalogueFormat, FileSource};

static FOLDER: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../../catalogue");

/// Every family of the sample, in the order of their file names.
pub fn sample() -> Result<Catalogue, Problem> {
    let mut whole = Catalogue::default();
    for file in FOLDER.files().filter(|file| {
        file.path()
            .extension()
            .is_some_and(|extension| extension == "toml")
    }) {
        let source = format!("catalogue/{}", file.path().display());
        let text = file
            .contents_utf8()
            .ok_or_else(|| Problem::internal(format!("{source} is not text")))?;
        let family = Catalogue::read(
            text,
            CatalogueFormat::Toml,
            &source,
            &FileSource::Program(&FOLDER),
        )?;
        whole.extend(family);
    }
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use dotwrap_wrapper::{ContractDefinition, ToolDefinition};

    use crate::*;

    fn tools() -> BTreeMap<String, ToolDefinition> {
        sample()
            .unwrap()
            .tools
            .into_iter()
            .map(|entry| (entry.said.dot_code.clone(), entry.said))
            .collect()
    }

    #[test]
    fn sample_has_the_pilot_pair_and_nineteen_of_commands() {
        let tools = tools();
        assert_eq!(
            tools["DOT_KG_EXPLAIN"].paired_dot.as_deref(),
            Some("DOT_KG_EXPLAIN_VERIFY")
        );
        assert_eq!(
            tools["DOT_KG_EXPLAIN"].execution_engine.as_deref(),
            Some("agent_api")
        );
        assert_eq!(tools["DOT_KG_EXPLAIN"].script_path, None);
        let commands = tools
            .values()
            .filter(|tool| tool.execution_engine.as_deref() == Some("command"))
            .count();
        assert_eq!(commands, 2 * 19);
    }

    #[test]
    fn every_pair_of_the_sample_is_mutual_and_its_verifier_only_reads() {
        let tools = tools();
        for (code, tool) in &tools {
            let partner = &tools[tool.paired_dot.as_ref().unwrap()];
            assert_eq!(partner.paired_dot.as_ref(), Some(code));
            assert_ne!(partner.pair_role, tool.pair_role);
            let tier = if tool.pair_role.as_deref() == Some("verifier") {
                "A"
            } else {
                "B"
            };
            assert_eq!(tool.tier, tier, "{code}");
        }
    }

    #[test]
    fn every_tool_of_the_sample_names_a_listed_candidate_and_every_verifier_says_why() {
        let candidates: Vec<_> = sample()
            .unwrap()
            .candidates
            .into_iter()
            .map(|candidate| candidate.said.code)
            .collect();
        for (code, tool) in tools() {
            let metadata = tool.extra_metadata.unwrap();
            let candidate = metadata["process_candidate_code"].as_str().unwrap();
            assert!(
                candidates.iter().any(|known| known == candidate),
                "{code} names {candidate}"
            );
            if tool.pair_role.as_deref() == Some("verifier") {
                assert!(metadata["why"].is_string(), "{code} does not say why");
            }
        }
    }

    fn contracts() -> Vec<ContractDefinition> {
        let contracts = sample().unwrap().contracts.into_iter();
        contracts.map(|entry| entry.said).collect()
    }

    /// What cannot be verified in a mode is not begun in it, so half of a pair's contracts are none.
    #[test]
    fn a_pair_that_can_be_called_can_be_called_on_both_sides_and_in_both_modes() {
        let tools = tools();
        let bound: BTreeSet<_> = contracts()
            .into_iter()
            .map(|contract| (contract.dot_code, contract.mode))
            .collect();
        let mut pairs = BTreeSet::new();
        for (dot_code, _) in &bound {
            let partner = tools[dot_code].paired_dot.as_ref().unwrap();
            for mode in ["DRY_RUN", "REAL_RUN"] {
                let needed = (partner.clone(), mode.to_owned());
                assert!(bound.contains(&needed), "{needed:?} is missing");
            }
            pairs.insert(dot_code.min(partner).clone());
        }
        assert_eq!(pairs.len(), 19);
    }

    #[test]
    fn a_contract_calls_the_program_that_its_tool_names() {
        let tools = tools();
        for contract in contracts() {
            let tool = &tools[&contract.dot_code];
            if tool.execution_engine.as_deref() != Some("command") {
                continue;
            }
            let metadata = tool.extra_metadata.as_ref().unwrap();
            let program = metadata["program"].as_str().unwrap();
            let endpoint = contract.endpoint_ref.unwrap();
            let argv = contract.invocation.unwrap()["argv"].clone();
            // A shell may call it, with what has to be done around it.
            if endpoint == "command:sh" {
                assert_eq!(argv[0], "sh", "{}", contract.dot_code);
                assert!(argv.to_string().contains(program), "{}", contract.dot_code);
            } else {
                assert_eq!(endpoint, format!("command:{program}"));
                assert_eq!(argv[0], program);
            }
        }
    }
}
