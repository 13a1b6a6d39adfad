//! The pair of `catalogue/git.toml`.

use super::pair_run::{Flip, Flips, Pair, assert_runs_and_detects_change, text_of, tool};

#[test]
fn git() {
    assert_runs_and_detects_change("git", |site| {
        let repository = text_of(&site.0.desk.folder().join("repository"));
        tool("git", &["init", "--quiet", &repository]);
        site.file("repository/readme", "what it is for\n");
        let git = |words: &[&str]| {
            let as_somebody = ["-c", "user.name=t", "-c", "user.email=t@example.org"];
            tool(
                "git",
                &[&["-C", &repository][..], &as_somebody, words].concat(),
            );
        };
        git(&["add", "."]);
        git(&["commit", "--quiet", "--message", "first"]);
        git(&["tag", "v1"]);
        Pair {
            producer: "DOT_GIT_BUNDLE_CREATE",
            input: repository,
            // Inside the pack: the file begins with the branch names and ends with the pack's digest.
            flips: Flips::both(Flip::Percent(80)),
        }
    });
}
