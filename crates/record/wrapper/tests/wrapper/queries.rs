//! Recorded data can be read.

use std::time::Duration;

use dotwrap_wrapper::{
    CandidateCode, CheckStatus, DotWrapperStatus, EvidenceType, GateSetting, LeaseState, Posture,
    RunFilter, Rung, StoredStatus, Wrapper, WrapperStatus, gate,
};

use crate::support::{CANDIDATE, PRODUCER, VERIFIER, call, installed};

async fn record(wrapper: &Wrapper, count: usize) {
    for _ in 0..count {
        wrapper.observe_pair(&call()).await.unwrap();
    }
}

#[tokio::test]
async fn pages_of_runs_hold_every_run_once_and_the_newest_first() {
    let (_database, wrapper) = installed().await;
    record(&wrapper, 7).await;
    let all = wrapper.runs(&RunFilter::default(), 100).await.unwrap();
    assert_eq!(all.runs.len(), 7);
    assert_eq!(all.next_page, None);
    assert!(all.runs.is_sorted_by(|a, b| a.created_at >= b.created_at));

    let mut filter = RunFilter::default();
    let mut paged = Vec::new();
    loop {
        let page = wrapper.runs(&filter, 3).await.unwrap();
        paged.extend(page.runs.into_iter().map(|run| run.process_run_id));
        // As it comes from a URL or a command line.
        let Some(next) = page.next_page else { break };
        filter.after = Some(next.to_string().parse().unwrap());
    }
    let expected: Vec<_> = all.runs.iter().map(|run| run.process_run_id).collect();
    assert_eq!(paged, expected);
}

#[tokio::test]
async fn json_that_can_not_be_decoded_is_marked_where_it_is_shown_and_an_error_where_it_is_called()
{
    let (database, wrapper) = installed().await;
    record(&wrapper, 1).await;
    let superuser = database.superuser().await;
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    superuser
        .batch_execute(&format!(
            "SET search_path = dot; SET session_replication_role = replica;
             UPDATE process_run_observation SET evidence_ref = '{{\"a\": 1e400}}';
             INSERT INTO dot_fixture (fixture_ref, sha256, body) VALUES ('bad', repeat('a', 64), '{deep}');
             INSERT INTO dot_agent_api_contract (dot_code, mode, role, endpoint_ref, invocation, expected_output_schema,
               contract_sha256)
             VALUES ('{PRODUCER}', 'REAL_RUN', 'producer', 'command:x', '{{}}', '{{\"a\": 1e400}}', repeat('a', 64))"
        ))
        .await
        .unwrap();
    let page = wrapper.runs(&RunFilter::default(), 10).await.unwrap();
    assert!(page.runs[0].evidence_ref["undecodable"].is_string());
    let fixture = wrapper.fixture("bad").await.unwrap().unwrap();
    assert!(fixture.body["undecodable"].is_string());
    let producer = PRODUCER.into();
    let contract = wrapper.contracts_of(&producer).await.unwrap().remove(0);
    assert!(contract.expected_output_schema.unwrap()["undecodable"].is_string());
    assert!(wrapper.fixture_to_call("bad").await.is_err());
    assert!(wrapper.contracts_to_call_of(&producer).await.is_err());
}

#[tokio::test]
async fn unrepresentable_caller_time_does_not_fail_queries() {
    let (database, wrapper) = installed().await;
    record(&wrapper, 2).await;
    // The functions refuse such a time; it takes a superuser to get one in.
    let superuser = database.superuser().await;
    for (table, started_at) in [
        ("process_run_observation", "infinity"),
        ("process_component_observation", "20000-01-01"),
    ] {
        superuser
            .batch_execute(&format!(
                "ALTER TABLE dot.{table} DISABLE TRIGGER USER;
                 UPDATE dot.{table} SET started_at = '{started_at}', ended_at = '2026-01-02T03:04:05Z'"
            ))
            .await
            .unwrap();
    }
    let page = wrapper.runs(&RunFilter::default(), 10).await.unwrap();
    assert_eq!(page.runs.len(), 2);
    for run in page.runs {
        assert_eq!(run.started_at, None);
        assert_eq!(run.ended_at.unwrap().to_string(), "2026-01-02T03:04:05Z");
        let components = wrapper.components_of(run.process_run_id).await.unwrap();
        assert_eq!(components[0].started_at, None);
    }
}

#[tokio::test]
async fn a_page_that_is_exactly_full_is_the_last_one() {
    let (_database, wrapper) = installed().await;
    record(&wrapper, 3).await;
    assert_eq!(
        wrapper
            .runs(&RunFilter::default(), 3)
            .await
            .unwrap()
            .next_page,
        None
    );
    assert!(
        wrapper
            .runs(&RunFilter::default(), 2)
            .await
            .unwrap()
            .next_page
            .is_some()
    );
}

#[tokio::test]
async fn filters_hold_together() {
    let (_database, wrapper) = installed().await;
    record(&wrapper, 1).await;
    let failed = call()
        .wrapper_status(WrapperStatus::Failed)
        .correlation_id("corr-1");
    let failed = wrapper.observe_pair(&failed).await.unwrap();
    let run = wrapper.run(failed.process_run_id).await.unwrap().unwrap();

    let mut filter = RunFilter::default();
    filter.process_candidate_code = Some(CANDIDATE.into());
    filter.dot_code = Some(PRODUCER.into());
    filter.correlation_id = Some("corr-1".into());
    filter.status = Some(StoredStatus::Failed);
    filter.evidence_type = Some(EvidenceType::SimulatedDryRun);
    filter.since = Some(run.created_at);
    let found = wrapper.runs(&filter, 10).await.unwrap().runs;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].process_run_id, failed.process_run_id);
    filter.until = Some(run.created_at);
    assert!(wrapper.runs(&filter, 10).await.unwrap().runs.is_empty());

    let joined = wrapper.runs_of_correlation(&"corr-1".into()).await.unwrap();
    assert_eq!(joined.len(), 1);
    assert!(
        wrapper
            .run_of_key(&"no such key".into())
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        wrapper
            .run(dotwrap_wrapper::ProcessRunId::mint())
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn the_ladder_says_that_simulated_proof_is_not_verified() {
    let (_database, wrapper) = installed().await;
    let candidate = CandidateCode::from(CANDIDATE);
    wrapper
        .set_candidate(&candidate, Some("Knowledge graph"), None, None)
        .await
        .unwrap();
    let before = wrapper.candidate_status(&candidate).await.unwrap().unwrap();
    assert_eq!(before.candidate_status_v3, Rung::StructuralCandidate);
    assert_eq!(before.best_evidence_type, None);
    record(&wrapper, 2).await;
    let after = wrapper.candidate_statuses().await.unwrap();
    assert_eq!(after.len(), 1);
    assert_eq!(after[0].candidate_status_v3, Rung::SimulatedObserved);
    assert_eq!(
        after[0].birth_gate_status_v3,
        "SIMULATED_PROOF_ONLY_NOT_VERIFIED"
    );
    assert!(wrapper.verified_candidates().await.unwrap().is_empty());
    let readiness = wrapper.birth_readiness().await.unwrap();
    assert_eq!(readiness[0].next_rung, Some(Rung::DryRunObserved));
    assert!(readiness[0].missing.is_some());
    let counts = wrapper.observed_counts().await.unwrap();
    assert_eq!(
        (
            counts[0].run_count,
            counts[0].simulated_count,
            counts[0].component_count
        ),
        (2, 2, 4)
    );
    assert!(counts[0].last_observed_at.is_some());
}

#[tokio::test]
async fn each_dot_has_one_wrapper_status() {
    let (_database, wrapper) = installed().await;
    let before = wrapper.dot_status(&PRODUCER.into()).await.unwrap().unwrap();
    assert_eq!(before.wrapper_status, DotWrapperStatus::WrapperNeeded);
    let recorded = wrapper.observe_pair(&call()).await.unwrap();
    let statuses = wrapper.dot_statuses().await.unwrap();
    let codes: Vec<_> = statuses
        .iter()
        .map(|status| status.dot_code.as_str())
        .collect();
    assert_eq!(codes, [PRODUCER, VERIFIER]);
    for status in statuses {
        assert_eq!(status.wrapper_status, DotWrapperStatus::SimulatedObserved);
        assert_eq!(status.process_run_id, Some(recorded.process_run_id));
        assert_eq!(
            status.correlation_id.as_ref(),
            Some(&recorded.correlation_id)
        );
        assert_eq!(
            status.last_observation_type,
            Some(EvidenceType::SimulatedDryRun)
        );
    }
}

#[tokio::test]
async fn a_gate_that_is_opened_for_a_time_says_until_when_and_is_in_the_history() {
    let (_database, wrapper) = installed().await;
    assert_eq!(wrapper.posture().await.unwrap(), Posture::NoExecute);
    assert!(!wrapper.operator_runtime_enabled().await.unwrap());
    assert_eq!(wrapper.gates().await.unwrap().len(), 4);
    let setting = GateSetting::new(gate::OPERATOR_RUNTIME_ENABLED, true, "an exercise")
        .lasting(Duration::from_secs(900))
        .actor("ana");
    assert_eq!(
        wrapper.set_gate(&setting).await.unwrap(),
        Posture::NoExecute
    );
    assert!(wrapper.operator_runtime_enabled().await.unwrap());
    let gates = wrapper.gates().await.unwrap();
    let gate = gates
        .iter()
        .find(|gate| gate.key == gate::OPERATOR_RUNTIME_ENABLED)
        .unwrap();
    assert!(gate.open && gate.live);
    assert_eq!(gate.updated_by.as_deref(), Some("ana"));
    let lasts = gate
        .expires_at
        .unwrap()
        .duration_since(gate.updated_at.unwrap());
    // The expiry is counted from the call, a moment before the change.
    assert_eq!((lasts.as_secs() + 30) / 60, 15);
    let history = wrapper.gate_history(1).await.unwrap();
    assert_eq!(history[0].reason, "an exercise");
    let closed = GateSetting::new(gate::EXECUTE_ENABLED, true, "for good");
    assert_eq!(
        wrapper.set_gate(&closed).await.unwrap(),
        Posture::DryRunOnly
    );
}

#[tokio::test]
async fn preflight_reports_the_result_of_each_check() {
    let (_database, wrapper) = installed().await;
    let findings = wrapper.preflight().await.unwrap();
    assert!(!findings.is_empty());
    assert!(
        findings
            .iter()
            .all(|finding| finding.status == CheckStatus::Pass),
        "{findings:?}"
    );
    wrapper.assert_safe().await.unwrap();
}

#[tokio::test]
async fn leases_are_taken_renewed_released_and_taken_away() {
    let (_database, wrapper) = installed().await;
    let minute = Duration::from_secs(60);
    let lease = wrapper.acquire_lease("mine", "ana", minute).await.unwrap();
    assert!(wrapper.renew_lease(&lease, minute).await.unwrap());
    let shown = wrapper.leases().await.unwrap();
    assert_eq!(
        (shown[0].lease_holder.as_str(), shown[0].state),
        ("ana", LeaseState::Held)
    );
    assert!(!format!("{lease:?}").contains(&lease.token().as_uuid().to_string()));
    assert!(
        wrapper
            .force_release_lease("mine", None, "it hung")
            .await
            .unwrap()
    );
    assert!(!wrapper.renew_lease(&lease, minute).await.unwrap());
    assert!(!wrapper.release_lease(lease).await.unwrap());
    assert_eq!(wrapper.leases().await.unwrap()[0].state, LeaseState::Free);
}

#[tokio::test]
async fn an_event_is_written_only_while_its_type_is_active() {
    let (_database, wrapper) = installed().await;
    assert!(
        wrapper
            .event_types()
            .await
            .unwrap()
            .iter()
            .all(|it| !it.active)
    );
    assert_eq!(
        wrapper.observe_pair(&call()).await.unwrap().events_emitted,
        0
    );
    let switch = wrapper
        .set_event_type_active("process.run.completed", true, None, "a test")
        .await;
    assert!(switch.unwrap());
    let recorded = wrapper.observe_pair(&call()).await.unwrap();
    assert_eq!(recorded.events_emitted, 1);
    let events = wrapper.events(10).await.unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].process_run_id, recorded.process_run_id);
    assert_eq!(events[0].payload["status"], "completed");
}

#[tokio::test]
async fn the_json_of_a_run_bears_the_views_column_names() {
    let (database, wrapper) = installed().await;
    let recorded = wrapper.observe_pair(&call()).await.unwrap();
    let run = wrapper.run(recorded.process_run_id).await.unwrap().unwrap();
    let json = serde_json::to_value(&run).unwrap();
    let mut fields: Vec<_> = json.as_object().unwrap().keys().cloned().collect();
    let client = database.superuser().await;
    let columns = "SELECT column_name::text FROM information_schema.columns
                   WHERE table_schema = 'dot' AND table_name = 'v_process_run'";
    let rows = client.query(columns, &[]).await.unwrap();
    let mut columns: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    fields.sort();
    columns.sort();
    assert_eq!(fields, columns);
    assert_eq!(json["status"], "completed");
    assert_eq!(json["evidence_type"], "SIMULATED_DRY_RUN");
    assert!(json["age"].as_str().unwrap().starts_with("PT"));
}
