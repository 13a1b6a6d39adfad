//! Servers that take no writes.

use crate::support::Installation;

/// A standby, or a server that somebody made read-only.
#[test]
fn a_read_only_server_is_no_defect_of_the_program() {
    let installation = Installation::with_catalogue();
    let name = installation.database.name().to_owned();
    installation.sql_as_superuser(&format!(
        "ALTER DATABASE {name} SET default_transaction_read_only = on"
    ));
    installation.call(&["runs", "ls"]).expect(0);
    let words = ["run", "DOT_SHA256SUM", "--mode", "simulate"];
    let close = ["gates", "close", "execute_enabled", "--reason", "a test"];
    let install = ["install", "--repair"];
    for words in [&words[..], &close, &install] {
        let refused = installation.failure(words, 69);
        assert_eq!(refused["code"], "read_only", "{refused}");
        assert!(
            refused["hint"].as_str().unwrap().contains("standby"),
            "{refused}"
        );
    }
}
