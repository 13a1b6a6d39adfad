//! Everything works through a pooler that gives each transaction another session.

use dotwrap_testkit::Pooler;

use crate::support::{Answer, Installation, wait};

#[test]
fn every_command_works_through_a_transaction_mode_pooler() {
    let installation = Installation::empty();
    let pooler = wait(Pooler::transaction_mode(&installation.database));
    let url = pooler.url_as(installation.database.owner());
    let prefix = installation.database.role_prefix();
    let call =
        |words: &[&str]| Answer::of(installation.desk.command(words).env("DATABASE_URL", &url));
    call(&["install", "--role-prefix", prefix]).expect(0);
    for words in [
        &["install", "--role-prefix", prefix][..],
        &["tools", "import", "--sample"],
        &["tools", "show", "DOT_GZIP"],
        &["run", "DOT_SHA256SUM", "--mode", "simulate", "--key", "k"],
        &["run", "DOT_SHA256SUM", "--mode", "simulate", "--key", "k"],
        &[
            "gates",
            "open",
            "execute_enabled",
            "--for",
            "1m",
            "--reason",
            "r",
        ],
        &["gates", "history"],
        &["events", "activate", "process.run.failed", "--reason", "r"],
        &["preflight"],
        &["runs", "show", "last"],
        &["runs", "watch", "last"],
        &["status"],
        &["ladder"],
        &["doctor"],
        &["verify"],
    ] {
        call(words).expect(0);
    }
}
