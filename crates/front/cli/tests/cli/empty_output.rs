//! A ledger in which nothing has happened yet says what to do.

use crate::support::Installation;

#[test]
fn every_list_that_is_empty_says_what_would_fill_it() {
    let installation = Installation::as_shipped();
    for (words, hint) in [
        (&["runs", "ls"][..], "dotwrap run"),
        (&["tools", "ls"], "tools import --sample"),
        (&["status"], "tools import --sample"),
        (&["ladder"], "tools import --sample"),
        (&["lease", "ls"], "dotwrap run"),
        (&["reap"], "nothing to conclude"),
        (&["requests", "ls"], "dotwrap requests add"),
        (&["contract", "ls"], "dotwrap contract set"),
        (&["fixture", "ls"], "dotwrap fixture put"),
        (&["lease", "ls", "--held"], "nobody"),
        (&["events", "outbox"], "dotwrap events ls"),
        (&["refusals", "ls"], "nothing was refused"),
        (&["candidates", "ls"], "dotwrap ladder"),
        (&["gates", "history"], "no gate was ever changed"),
    ] {
        let answer = installation.call(words).expect(0);
        assert_eq!(answer.output, "", "{words:?}");
        assert!(
            answer.messages.contains(hint),
            "{words:?}: {}",
            answer.messages
        );
        let json = installation
            .call(&[words, &["--output", "json", "-q"]].concat())
            .expect(0);
        assert_eq!(json.json(), serde_json::json!([]), "{words:?}");
    }
}

#[test]
fn a_filter_that_nothing_passes_is_not_called_an_empty_ledger() {
    let installation = Installation::with_catalogue();
    installation.simulate(&[]).expect(0);
    let reason = ["--reason", "a test"];
    installation
        .call(&[&["gates", "close", "execute_enabled"], &reason[..]].concat())
        .expect(0);
    for (words, said, not_said) in [
        (
            &["runs", "ls", "--producer", "DOT_GZIP"][..],
            "no such run",
            "no runs yet",
        ),
        (
            &["gates", "history", "real_run_enabled"],
            "real_run_enabled was never changed",
            "no gate was ever changed",
        ),
    ] {
        let answer = installation.call(words).expect(0);
        assert_eq!(answer.output, "", "{words:?}");
        assert!(answer.messages.contains(said), "{}", answer.messages);
        assert!(!answer.messages.contains(not_said), "{}", answer.messages);
    }
}

#[test]
fn a_list_of_no_rows_at_all_can_not_be_asked_for() {
    let installation = Installation::as_shipped();
    for words in [
        &["runs", "ls"][..],
        &["gates", "history"],
        &["events", "outbox"],
        &["refusals", "ls"],
    ] {
        installation
            .call(&[words, &["--limit", "0"]].concat())
            .expect(2);
    }
}

#[test]
fn the_newest_run_of_an_empty_ledger_is_unknown() {
    let failure = Installation::as_shipped().failure(&["runs", "show", "last"], 2);
    assert_eq!(failure["code"], "run_unknown");
}
