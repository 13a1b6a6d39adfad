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
        (&["lease", "ls", "--held"], "nobody"),
        (&["events", "outbox"], "dotwrap events ls"),
        (&["refusals", "ls"], "nothing was refused"),
        (&["candidates", "ls"], "dotwrap ladder"),
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
fn the_newest_run_of_an_empty_ledger_is_unknown() {
    let failure = Installation::as_shipped()
        .call(&["runs", "show", "last", "--output", "json"])
        .expect(2)
        .failure();
    assert_eq!(failure["code"], "run_unknown");
}
