//! The newest PostgreSQL; the other tests use the oldest.

use std::time::Duration;

use dotwrap_testkit::{TestDatabase, Version};
use dotwrap_wrapper::{RunFilter, Wrapper};

use crate::support::{PRODUCER, VERIFIER, builder, call, finish_steps, pair};

/// Every view that this client reads, so that a column that changed its type is met here.
async fn read_everything(wrapper: &Wrapper) {
    assert!(
        !wrapper
            .runs(&RunFilter::default(), 10)
            .await
            .unwrap()
            .runs
            .is_empty()
    );
    assert!(!wrapper.tools().await.unwrap().is_empty());
    assert!(!wrapper.leases().await.unwrap().is_empty());
    assert!(!wrapper.events(10).await.unwrap().is_empty());
    assert!(!wrapper.event_types().await.unwrap().is_empty());
    assert!(!wrapper.gates().await.unwrap().is_empty());
    assert!(!wrapper.checks().await.unwrap().is_empty());
    assert!(!wrapper.preflight().await.unwrap().is_empty());
    assert!(!wrapper.dot_statuses().await.unwrap().is_empty());
    assert!(!wrapper.candidate_statuses().await.unwrap().is_empty());
    assert!(!wrapper.birth_readiness().await.unwrap().is_empty());
    assert!(!wrapper.observed_counts().await.unwrap().is_empty());
    assert!(!wrapper.refusals(10).await.unwrap().is_empty());
    assert!(!wrapper.refusal_catalogue().await.unwrap().is_empty());
    wrapper.gate_history(10).await.unwrap();
    wrapper.candidates().await.unwrap();
    wrapper.contracts().await.unwrap();
    wrapper.fixtures().await.unwrap();
    wrapper.verified_candidates().await.unwrap();
}

#[tokio::test]
async fn both_ends_of_the_supported_versions_record_and_read_alike() {
    for version in Version::ALL {
        let database = TestDatabase::create(version).await;
        let wrapper = builder(&database).build().await.unwrap();
        wrapper
            .import_tools(&pair(PRODUCER, VERIFIER), None)
            .await
            .unwrap();
        wrapper
            .set_event_type_active("process.run.completed", true, None, "a test")
            .await
            .unwrap();
        assert!(wrapper.observe_pair(&call()).await.unwrap().created);
        let leased = wrapper
            .enter(call())
            .await
            .unwrap()
            .acquire_lease(Duration::from_secs(60))
            .await
            .unwrap();
        let record = finish_steps(leased).await.unwrap().record;
        assert_eq!(
            wrapper
                .components_of(record.process_run_id)
                .await
                .unwrap()
                .len(),
            2
        );
        wrapper.observe_pair(&call().actor("")).await.unwrap_err();
        read_everything(&wrapper).await;
    }
}

#[test]
fn a_wrapper_can_be_shared_between_threads() {
    fn is_shareable<T: Clone + Send + Sync + 'static>() {}
    is_shareable::<Wrapper>();
}
