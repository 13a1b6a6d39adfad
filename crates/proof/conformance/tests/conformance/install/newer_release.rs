//! An installation of a newer release, or with an edited migration, is not upgraded.

use dotwrap_contract::{InstallError, apply, contract_digest, installed};
use rstest_reuse::apply as on;

use super::{catalogue_of, empty, options, repairing};
use crate::common::backend::on_each_version;
use crate::common::catalogue::assert_same;
use crate::common::{Backend, TestContext, execute};

#[on(on_each_version)]
async fn newer_or_edited_installation_is_not_changed(backend: Backend) {
    let stage = TestContext::empty(backend).await;
    let (owner, superuser) = (stage.installer().await, stage.superuser().await);
    apply(&owner, &options(&stage)).await.unwrap();
    execute(&superuser, "INSERT INTO dot.dot_contract_migration (name, sha256) VALUES ('9999_from_the_future', 'x')").await;
    let refused = apply(&owner, &options(&stage)).await.unwrap_err();
    assert!(matches!(refused, InstallError::Newer(_)), "{refused}");
    execute(&superuser, "DELETE FROM dot.dot_contract_migration WHERE name LIKE '9999%'; UPDATE dot.dot_contract_migration SET sha256 = 'edited' WHERE name LIKE '0002%'").await;
    let refused = apply(&owner, &repairing(&options(&stage)))
        .await
        .unwrap_err();
    assert!(
        matches!(refused, InstallError::MigrationChanged(_)),
        "{refused}"
    );
}

#[on(on_each_version)]
async fn contract_of_a_newer_release_is_not_replaced(backend: Backend) {
    let (stage, owner, superuser, options) = empty(backend).await;
    let repair = repairing(&options);
    apply(&owner, &options).await.unwrap();
    let record = async |version: &str, digest: &str| {
        let text = format!(
            "UPDATE dot.dot_contract_release SET installed_version = '{version}', digest = '{digest}'"
        );
        execute(&superuser, &text).await;
    };
    // No migration lies between the two, only functions and views.
    record("999.0.0", "of a newer release").await;
    let before = catalogue_of(&stage, &options).await;
    for options in [&options, &repair] {
        let refused = apply(&owner, options).await.unwrap_err();
        assert!(matches!(refused, InstallError::Newer(_)), "{refused}");
        assert!(refused.to_string().contains("999.0.0"), "{refused}");
    }
    assert_same(
        &catalogue_of(&stage, &options).await,
        &before,
        "refused as older",
    );
    assert_eq!(
        installed(&owner, "dot").await.unwrap().unwrap().version,
        "999.0.0"
    );
    // The same contract of a newer release is current, and an older release is upgraded.
    record("999.0.0", &contract_digest()).await;
    assert!(apply(&owner, &options).await.unwrap().is_current());
    record("0.0.1", "of an older release").await;
    assert!(!apply(&owner, &options).await.unwrap().is_current());
}
