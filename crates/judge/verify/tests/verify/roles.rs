//! Undeclared privileges of roles. Roles belong to the cluster, so each test has its own server.

use dotwrap_contract::{InstallOptions, apply};
use dotwrap_testkit::{PrivateServer, Version, connect};
use dotwrap_verify::{VerifyOptions, verify};

use crate::support::findings;

#[tokio::test]
async fn each_undeclared_privilege_is_a_violation() {
    const GIVEN: [(&str, &str, &str, &str); 7] = [
        (
            "GRANT dot_owner TO visitor",
            "REVOKE dot_owner FROM visitor",
            "nobody_else_is_the_owner",
            "visitor: can become dot_owner",
        ),
        (
            "GRANT dot_checker TO visitor",
            "REVOKE dot_checker FROM visitor",
            "nobody_else_is_the_owner",
            "visitor: can become dot_checker",
        ),
        (
            "GRANT pg_write_all_data TO visitor",
            "REVOKE pg_write_all_data FROM visitor",
            "nobody_else_is_the_owner",
            "visitor: can write every table of the cluster",
        ),
        (
            "GRANT pg_write_all_data TO dot_checker",
            "REVOKE pg_write_all_data FROM dot_checker",
            "rights_are_the_declared",
            "<>checker is a member of pg_write_all_data: ",
        ),
        (
            "ALTER ROLE dot_archiver BYPASSRLS",
            "ALTER ROLE dot_archiver NOBYPASSRLS",
            "nobody_else_is_the_owner",
            "dot_archiver: is allowed to pass row security",
        ),
        (
            "GRANT dot_operator TO dot_reader",
            "REVOKE dot_operator FROM dot_reader",
            "rights_are_the_declared",
            "<>reader is a member of <>operator: ",
        ),
        (
            "GRANT pg_read_all_data TO visitor",
            "REVOKE pg_read_all_data FROM visitor",
            "nothing_else_acts_on_the_ledger",
            "visitor: can read every table of the cluster",
        ),
    ];
    for version in Version::ALL {
        let server = PrivateServer::start(version, &[]).await;
        let owner = connect(&server.config()).await;
        apply(&owner, &InstallOptions::default()).await.unwrap();
        let mut superuser = connect(&server.cluster().superuser_config("dotwrap")).await;
        superuser
            .batch_execute("CREATE ROLE visitor LOGIN")
            .await
            .unwrap();
        let options = VerifyOptions::default();
        for (given, taken, check, said) in GIVEN {
            // PostgreSQL 16 and later refuse circular memberships.
            if superuser.batch_execute(given).await.is_err() {
                assert!(given.contains("dot_operator"), "{given}");
                continue;
            }
            let found = findings(&verify(&mut superuser, &options).await.unwrap());
            let noticed = found.get(check).into_iter().flatten();
            assert!(
                noticed.into_iter().any(|found| found.contains(said)),
                "{given}: {found:#?}"
            );
            superuser.batch_execute(taken).await.unwrap();
        }
        let found = findings(&verify(&mut superuser, &options).await.unwrap());
        assert!(found.is_empty(), "{found:#?}");
    }
}
