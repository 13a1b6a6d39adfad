//! All help texts in one snapshot, so that a change of the command line shows as a change of this file.

use crate::support::{Answer, Desk};

/// The help of a command and of all below it.
fn help(desk: &Desk, words: &[&str], text: &mut String) {
    let answer = Answer::of(&mut desk.command(&[words, &["--help"]].concat())).expect(0);
    *text += &format!("## dotwrap {}\n\n{}\n", words.join(" "), answer.output);
    for name in subcommands(&answer.output) {
        help(desk, &[words, &[name]].concat(), text);
    }
}

/// The names under the heading `Commands:`.
fn subcommands(help: &str) -> impl Iterator<Item = &str> {
    let mut lines = help.lines();
    lines.find(|line| *line == "Commands:");
    let listed = lines.take_while(|line| !line.is_empty());
    // A name stands behind two spaces; a further line of its description behind more.
    let names = listed.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    names.filter(|name| !name.is_empty() && *name != "help")
}

#[test]
fn every_help_text_is_as_it_was() {
    let mut text = String::new();
    help(&Desk::new(), &[], &mut text);
    insta::assert_snapshot!("help", text);
}
