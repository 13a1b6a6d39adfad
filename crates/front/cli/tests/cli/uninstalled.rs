//! `dotwrap uninstall`.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::json_reference::assert_documented;
use crate::support::{Answer, Installation};

fn schemas(installation: &Installation) -> i64 {
    crate::support::wait(async {
        let client = installation.database.superuser().await;
        let query = "SELECT count(*) FROM pg_namespace WHERE nspname = 'dot'";
        client.query_one(query, &[]).await.unwrap().get(0)
    })
}

#[test]
fn an_uninstallation_is_confirmed_and_says_what_went_and_what_stays() {
    let installation = Installation::with_catalogue();
    installation.simulate(&["--key", "k"]).expect(0);
    let refused = installation.failure(&["uninstall"], 2);
    assert_eq!(refused["code"], "not_confirmed");
    assert!(
        refused["message"].as_str().unwrap().contains("1 runs"),
        "{refused}"
    );
    let printed = installation.call(&["uninstall", "--dry-run"]).expect(0);
    assert!(printed.output.contains("DROP SCHEMA \"dot\" CASCADE;"));
    assert_eq!(schemas(&installation), 1);
    installation.sql("CREATE VIEW public.report AS SELECT 1 AS one FROM dot.v_process_run");
    let refused = installation.failure(&["uninstall", "--yes"], 2);
    assert_eq!(refused["code"], "foreign_objects");
    let told = ["uninstall", "--yes", "--drop-foreign-objects"];
    let removed = installation.json(&told);
    assert_documented("uninstall", &removed);
    assert_eq!(removed["runs"], 1);
    assert_eq!(
        removed["dropped_foreign_objects"],
        serde_json::json!(["view report"])
    );
    // Other databases of the tests' server have the same roles.
    let kept = removed["kept_roles"].as_array().unwrap();
    let dropped = removed["dropped_roles"].as_array().unwrap();
    assert_eq!(kept.len() + dropped.len(), 8);
    assert_eq!(schemas(&installation), 0);
    let again = installation.failure(&["uninstall", "--yes"], 70);
    assert_eq!(again["code"], "not_installed");
}

/// The printed SQL is the whole of it.
#[test]
fn psql_can_run_the_printed_sql() {
    let installation = Installation::as_shipped();
    let printed = installation.call(&["uninstall", "--dry-run"]).expect(0);
    installation.sql(&printed.output);
    assert_eq!(schemas(&installation), 0);
}

/// The program on a terminal, as `script` makes one, with this answer typed.
fn answered(installation: &Installation, answer: &str) -> Option<Answer> {
    let program = installation.command(&[]);
    let mut script = Command::new("script");
    script
        .args([
            "-qec",
            &format!("{} uninstall", env!("CARGO_BIN_EXE_dotwrap")),
            "/dev/null",
        ])
        .envs(
            program
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let Ok(mut child) = script.spawn() else {
        eprintln!("NOT TESTED: there is no `script` here");
        return None;
    };
    let mut keyboard = child.stdin.take().unwrap();
    keyboard.write_all(answer.as_bytes()).unwrap();
    Some(Answer::from(child.wait_with_output().unwrap()))
}

#[test]
fn on_a_terminal_it_asks() {
    let installation = Installation::as_shipped();
    let Some(refused) = answered(&installation, "n\n") else {
        return;
    };
    let said = refused.expect(2).output;
    assert!(
        said.contains("Go on? [y/N]") && said.contains("nothing was removed"),
        "{said}"
    );
    assert_eq!(schemas(&installation), 1);
    let removed = answered(&installation, "y\n").unwrap().expect(0).output;
    assert!(removed.contains("REMOVED"), "{removed}");
    assert_eq!(schemas(&installation), 0);
}
