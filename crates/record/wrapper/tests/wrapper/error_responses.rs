//! Error responses of the server: which ones are refusals, and which ones are not.

use dotwrap_testkit::{TestDatabase, Version};
use dotwrap_wrapper::{Error, ErrorClass, RefusalCode, Wrapper};

use crate::support::builder;

/// A schema whose posture function executes this statement.
async fn raising(statement: &str) -> (TestDatabase, Wrapper) {
    let database = TestDatabase::empty(Version::V15).await;
    let owner = database.owner_client().await;
    owner
        .batch_execute(&format!(
            "CREATE SCHEMA raising;
             CREATE FUNCTION raising.fn_process_dot_posture() RETURNS text LANGUAGE plpgsql AS
             $$ BEGIN {statement} RETURN 'NO_EXECUTE'; END $$"
        ))
        .await
        .unwrap();
    let wrapper = builder(&database).schema("raising").build().await.unwrap();
    (database, wrapper)
}

#[tokio::test]
async fn refusal_is_parsed_from_detail_without_constraint() {
    let (_database, wrapper) = raising(
        "RAISE EXCEPTION USING ERRCODE = '55P03', MESSAGE = 'held',
         DETAIL = '{\"code\": \"lease_held\", \"lease_name\": \"x\"}', HINT = 'wait';",
    )
    .await;
    let error = wrapper.posture().await.unwrap_err();
    let refusal = error.refusal().unwrap();
    assert_eq!(refusal.code, RefusalCode::LeaseHeld);
    assert_eq!(refusal.detail["lease_name"], "x");
    assert_eq!(refusal.hint.as_deref(), Some("wait"));
    assert_eq!(error.class(), ErrorClass::Lease);
}

#[tokio::test]
async fn a_tables_own_constraint_is_no_refusal() {
    let (_database, wrapper) = raising(
        "RAISE EXCEPTION USING ERRCODE = '23514', MESSAGE = 'no', CONSTRAINT = 'dot_tools_tier_check';",
    )
    .await;
    let error = wrapper.posture().await.unwrap_err();
    assert!(
        matches!(&error, Error::Database { sqlstate: Some(state), .. } if state == "23514"),
        "{error:?}"
    );
    assert_eq!(error.class(), ErrorClass::Internal);
}

#[tokio::test]
async fn a_refusal_of_a_newer_contract_is_still_a_refusal() {
    let (_database, wrapper) = raising(
        "RAISE EXCEPTION USING ERRCODE = '23514', MESSAGE = 'no', CONSTRAINT = 'moon_phase_wrong',
         DETAIL = '{\"code\": \"moon_phase_wrong\"}';",
    )
    .await;
    let error = wrapper.posture().await.unwrap_err();
    assert_eq!(
        error.refusal().unwrap().code,
        RefusalCode::Other("moon_phase_wrong".to_owned())
    );
    assert_eq!(error.class(), ErrorClass::Blocked);
}

#[tokio::test]
async fn a_function_that_is_missing_inside_another_is_not_a_missing_contract() {
    let (_database, wrapper) = raising("PERFORM no_such_function();").await;
    let error = wrapper.posture().await.unwrap_err();
    assert!(matches!(error, Error::Database { .. }), "{error:?}");
}

#[tokio::test]
async fn a_posture_that_this_client_does_not_know_is_an_error_that_names_it() {
    let (_database, wrapper) = raising("RETURN 'HALF_OPEN';").await;
    let error = wrapper.posture().await.unwrap_err();
    assert!(matches!(error, Error::Answer(_)), "{error:?}");
    assert!(error.to_string().contains("HALF_OPEN"), "{error}");
}
