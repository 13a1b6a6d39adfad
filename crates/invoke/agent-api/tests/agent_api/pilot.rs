//! The pilot pair, called from end to end at the reference agent service.

use dotwrap_invoke::{CallOutcome, Produced};
use dotwrap_pilot::{
    FIXTURE_REF, Fixture, PRODUCER, VERIFIER,
    agent::{pilot_fixtures, router},
};
use dotwrap_types::{ComponentRole, Verdict};

use crate::support::{Service, fixture};

#[tokio::test]
async fn the_pair_is_called_and_stays_a_mock() {
    let service = Service::of(router(pilot_fixtures().unwrap()));
    let pilot = Fixture::pilot().unwrap();
    let mut call = service.call();
    call.dot_code = PRODUCER.into();
    call.input_ref = None;
    call.contract.fixture_ref = Some(FIXTURE_REF.to_owned());
    call.contract.output_namespace = Some(pilot.namespace.clone());
    call.fixture = Some(fixture(serde_json::to_value(pilot).unwrap()));
    let explained = service.invoke(&call).await;
    assert_eq!(explained.ending, CallOutcome::Completed);
    assert!(explained.is_mock);

    let output = explained.output.unwrap();
    let committed_digest = output.digest;
    call.dot_code = VERIFIER.into();
    call.role = ComponentRole::Verifier;
    call.invocation_id = uuid::Uuid::now_v7();
    call.folder = service.call().folder;
    call.produced = Some(Produced {
        output,
        committed_digest,
        fields: Default::default(),
    });
    let verified = service.invoke(&call).await;
    assert_eq!(verified.ending, CallOutcome::Completed);
    assert!(verified.is_mock);
    assert_eq!(verified.verdict, Some(Verdict::Pass));
    assert_eq!(verified.verified_digest, Some(committed_digest));
}
