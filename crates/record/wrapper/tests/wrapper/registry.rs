//! The registry: DOTs, candidates, contracts, fixtures and checks.

use std::time::Duration;

use dotwrap_wrapper::{
    CandidateCode, CheckDefinition, ComponentRole, ContractDefinition, DotCode, ImportAction,
    PairChange, RefusalCode, ToolDefinition,
};

use crate::support::{CANDIDATE, PRODUCER, VERIFIER, code, installed, pair};

#[tokio::test]
async fn import_reports_added_changed_kept_and_refused_entries() {
    let (_database, wrapper) = installed().await;
    let mut tools = pair(PRODUCER, VERIFIER).to_vec();
    tools[1].operation = Some("verify".to_owned());
    tools.extend(pair("NEW", "NEW_VERIFY"));
    tools.push(ToolDefinition {
        dot_code: "BAD:CODE".to_owned(),
        ..tools[0].clone()
    });
    let plan = wrapper.plan_import(&tools, None).await.unwrap();
    let actions: Vec<_> = plan.iter().map(|change| change.action).collect();
    use ImportAction::{Add, Change, Keep, Refuse};
    assert_eq!(actions, [Keep, Change, Add, Add, Refuse]);
    assert_eq!(plan[1].detail.as_deref(), Some("operation"));

    assert_eq!(
        code(wrapper.import_tools(&tools, None).await),
        RefusalCode::ToolInvalid
    );
    assert_eq!(wrapper.tools().await.unwrap().len(), 2);
    tools.pop();
    wrapper.import_tools(&tools, None).await.unwrap();
    assert_eq!(wrapper.tools().await.unwrap().len(), 4);
    let tool = wrapper.tool(&VERIFIER.into()).await.unwrap().unwrap();
    assert_eq!(tool.operation, "verify");
    assert_eq!(tool.pair_role, Some(ComponentRole::Verifier));
    assert!(wrapper.tool(&"NOBODY".into()).await.unwrap().is_none());
}

#[tokio::test]
async fn a_candidate_pair_is_declared_and_removed() {
    let (_database, wrapper) = installed().await;
    let (candidate, producer, other) = (
        CandidateCode::from(CANDIDATE),
        DotCode::from(PRODUCER),
        CandidateCode::from("PROC-CAND:other"),
    );
    let declared = wrapper.candidate_pairs().await.unwrap();
    assert_eq!(declared.len(), 1, "the import declared it");
    assert_eq!(declared[0].process_candidate_code, candidate);
    assert_eq!(declared[0].dot_code, producer);
    assert_eq!(declared[0].declared_by, "tester");
    assert!(!declared[0].is_inferred && !declared[0].is_registered);

    let reason = Some("a test");
    let declare = wrapper.declare_candidate_pair(&other, &producer, reason, None);
    assert_eq!(code(declare.await), RefusalCode::CandidateUnknown);
    wrapper
        .set_candidate(&other, None, None, None)
        .await
        .unwrap();
    let verifier = VERIFIER.into();
    let declare = wrapper.declare_candidate_pair(&other, &verifier, reason, None);
    assert_eq!(code(declare.await), RefusalCode::NotAProducer);
    for expected in [PairChange::Declared, PairChange::Kept] {
        let declare = wrapper.declare_candidate_pair(&other, &producer, reason, None);
        assert_eq!(declare.await.unwrap(), expected);
    }
    let declared = wrapper.candidate_pairs_of(&other).await.unwrap();
    assert_eq!(declared.len(), 1);
    assert!(declared[0].is_registered);
    for expected in [PairChange::Removed, PairChange::Absent] {
        let remove = wrapper.remove_candidate_pair(&other, &producer, None, None);
        assert_eq!(remove.await.unwrap(), expected);
    }
    assert!(wrapper.candidate_pairs_of(&other).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_tool_and_a_contract_are_retired_once() {
    let (_database, wrapper) = installed().await;
    let producer = DotCode::from(PRODUCER);
    let contract = ContractDefinition {
        dot_code: PRODUCER.to_owned(),
        mode: "REAL_RUN".to_owned(),
        endpoint_ref: Some("command:true".to_owned()),
        ..ContractDefinition::default()
    };
    wrapper.set_contract(&contract, None, None).await.unwrap();
    for changed in [true, false] {
        let retired = wrapper.retire_tool(&producer, "replaced", None).await;
        assert_eq!(retired.unwrap(), changed);
        let retired = wrapper.retire_contract(&producer, "REAL_RUN", None, None);
        assert_eq!(retired.await.unwrap(), changed);
    }
    let tool = wrapper.tool(&producer).await.unwrap().unwrap();
    assert_eq!(tool.status, "retired");
    let contracts = wrapper.contracts_of(&producer).await.unwrap();
    assert_eq!(contracts[0].contract_status, "retired");
    assert_eq!(
        code(wrapper.retire_tool(&producer, " ", None).await),
        RefusalCode::ReasonRequired
    );
    let retired = wrapper.retire_contract(&producer, "DRY_RUN", None, None);
    assert_eq!(code(retired.await), RefusalCode::ContractMissing);
}

#[tokio::test]
async fn a_candidate_can_get_an_owner_and_lose_it() {
    let (_database, wrapper) = installed().await;
    let candidate = CANDIDATE.into();
    for (owner, kept) in [
        (Some("ana"), Some("ana")),
        (None, Some("ana")),
        (Some(" "), None),
    ] {
        wrapper
            .set_candidate(&candidate, Some("Knowledge graph"), owner, None)
            .await
            .unwrap();
        let candidates = wrapper.candidates().await.unwrap();
        assert_eq!(candidates.len(), 1);
        assert_eq!(candidates[0].owner.as_deref(), kept);
    }
    let blank = " ".into();
    assert_eq!(
        code(wrapper.set_candidate(&blank, None, None, None).await),
        RefusalCode::CandidateRequired
    );
}

#[tokio::test]
async fn a_contract_binds_a_dot_to_an_endpoint_and_a_fixture() {
    let (_database, wrapper) = installed().await;
    let body = "{\"a\": 1}";
    // Of the body's bytes, by sha256sum.
    let sha256 = "f9d86028c6e0d64e225186f96acb69338b2c59764df79162107f5c4bb34d1310";
    let mut contract = ContractDefinition {
        dot_code: PRODUCER.to_owned(),
        mode: "DRY_RUN".to_owned(),
        fixture_ref: Some("fixture-1".to_owned()),
        output_namespace: Some("DRYRUN-NS:kg".to_owned()),
        no_mutation_assertion: Some(true),
        endpoint_ref: Some("https://agents.example/kg".to_owned()),
        ..ContractDefinition::default()
    };
    assert_eq!(
        code(wrapper.set_contract(&contract, None, None).await),
        RefusalCode::FixtureMissing
    );
    let wrong = wrapper
        .put_fixture("fixture-1", body, &"0".repeat(64), None)
        .await;
    assert_eq!(code(wrong), RefusalCode::FixtureDigestMismatch);
    wrapper
        .put_fixture("fixture-1", body, sha256, None)
        .await
        .unwrap();
    let fixture = wrapper.fixture("fixture-1").await.unwrap().unwrap();
    assert_eq!(
        (fixture.sha256.as_str(), fixture.body["a"].as_i64()),
        (sha256, Some(1))
    );
    assert_eq!(wrapper.fixtures().await.unwrap().len(), 1);

    wrapper.set_contract(&contract, None, None).await.unwrap();
    let stored = wrapper.contracts_of(&PRODUCER.into()).await.unwrap();
    assert_eq!(stored.len(), 1);
    assert_eq!(stored[0].role, ComponentRole::Producer);
    assert_eq!(wrapper.contracts().await.unwrap(), stored);

    contract.endpoint_ref = None;
    assert_eq!(
        code(wrapper.set_contract(&contract, None, None).await),
        RefusalCode::EndpointMissing
    );
    contract.output_namespace = Some("production".to_owned());
    assert_eq!(
        code(wrapper.set_contract(&contract, None, None).await),
        RefusalCode::NamespaceForbidden
    );
}

#[tokio::test]
async fn check_is_registered_with_all_its_attributes() {
    let (database, wrapper) = installed().await;
    let owner = database.owner_client().await;
    owner
        .batch_execute(
            "CREATE FUNCTION public.none_found() RETURNS bigint LANGUAGE sql AS 'SELECT 0::bigint'",
        )
        .await
        .unwrap();
    let definition = CheckDefinition::new("mine", "public.none_found")
        .severity("info")
        .on_finding("WARN")
        .max_age(Duration::from_millis(90_500))
        .enabled(false)
        .description("looks for nothing");
    wrapper.set_check(&definition).await.unwrap();
    let checks = wrapper.checks().await.unwrap();
    let check = checks
        .iter()
        .find(|check| check.check_name == "mine")
        .unwrap();
    assert_eq!(check.max_age.as_duration().as_millis(), 90_500);
    assert_eq!(
        (check.severity.as_str(), check.on_finding.as_str()),
        ("info", "WARN")
    );
    assert!(!check.enabled);
    let missing = CheckDefinition::new("mine", "public.no_such_function");
    assert_eq!(
        code(wrapper.set_check(&missing).await),
        RefusalCode::CheckInvalid
    );
}
