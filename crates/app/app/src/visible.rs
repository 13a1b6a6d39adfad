//! Text from the ledger on a terminal: what steers the terminal, or cannot be seen, is shown and not sent; codes
//! that mix scripts which look alike are marked.
use std::collections::BTreeSet;
use std::fmt::Write;

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};
use unicode_script::{Script, UnicodeScript};

/// Whether a character steers a terminal or the direction of writing, or stands for nothing that is seen.
fn is_hidden(character: char) -> bool {
    let category = character.general_category();
    let is_blank_letter = matches!(
        character,
        '\u{34f}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{ffa0}'
            | '\u{e0100}'..='\u{e01ef}'
    );
    is_blank_letter
        || matches!(
            category,
            GeneralCategory::Control
                | GeneralCategory::Format
                | GeneralCategory::LineSeparator
                | GeneralCategory::ParagraphSeparator
        )
}

/// Joiners are part of how some languages and emoji are written: between two characters of those, they are text.
fn joins(character: char, before: Option<char>, behind: Option<char>) -> bool {
    let is_joined = |character: Option<char>| {
        character.is_some_and(|character| {
            let is_latin = matches!(
                character.script(),
                Script::Latin | Script::Cyrillic | Script::Greek
            );
            !character.is_ascii()
                && !is_latin
                && !is_hidden(character)
                && !character.is_whitespace()
        })
    };
    matches!(character, '\u{200c}' | '\u{200d}') && is_joined(before) && is_joined(behind)
}

/// The characters of a text, each with whether it has to be shown instead of sent.
fn looked_at(text: &str) -> impl Iterator<Item = (char, bool)> {
    let mut before = None;
    let mut characters = text.chars().peekable();
    std::iter::from_fn(move || {
        let character = characters.next()?;
        let is_text = !is_hidden(character) || joins(character, before, characters.peek().copied());
        before = Some(character);
        Some((character, !is_text))
    })
}

/// The text with such characters shown: a control character as the replacement character, any other by its number.
pub fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for (character, is_hidden) in looked_at(text) {
        push_shown(&mut shown, character, is_hidden);
    }
    shown
}

fn push_shown(shown: &mut String, character: char, is_hidden: bool) {
    if character.is_control() {
        shown.push('\u{fffd}');
    } else if is_hidden {
        // Writing into a String does not fail.
        let _ = write!(shown, "<U+{:04X}>", u32::from(character));
    } else {
        shown.push(character);
    }
}

/// The same for text of several lines.
pub fn shown_lines(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(shown).collect();
    lines.join("\n")
}

/// The same for text that is drawn already: its lines, tabs and colours stay.
pub fn screened(text: &str) -> String {
    let mut screened = String::with_capacity(text.len());
    let mut colour_ends_at = 0;
    let mut at = 0;
    for (character, is_hidden) in looked_at(text) {
        if character == '\u{1b}' {
            colour_ends_at = at + colour(&text[at..]).unwrap_or(0);
        }
        if at < colour_ends_at || matches!(character, '\n' | '\t') {
            screened.push(character);
        } else {
            push_shown(&mut screened, character, is_hidden);
        }
        at += character.len_utf8();
    }
    screened
}

/// How long the colour is that a text begins with: `ESC [ … m`, and no other sequence.
fn colour(text: &str) -> Option<usize> {
    let inside = text.strip_prefix("\u{1b}[")?;
    let end = inside.find(|character: char| !character.is_ascii_digit() && character != ';')?;
    inside[end..]
        .starts_with('m')
        .then_some("\u{1b}[".len() + end + 1)
}

/// JSON with such characters as escapes: the same JSON, safe to print. They can only stand in its strings.
pub fn escaped_json(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for (character, is_hidden) in looked_at(json) {
        let is_layout = matches!(character, '\n' | '\r' | '\t');
        if is_hidden && !is_layout {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(character);
        }
    }
    escaped
}

/// Scripts with letters that look like those of another.
const LOOK_ALIKE: [(Script, &str); 8] = [
    (Script::Latin, "Latin"),
    (Script::Cyrillic, "Cyrillic"),
    (Script::Greek, "Greek"),
    (Script::Armenian, "Armenian"),
    (Script::Coptic, "Coptic"),
    (Script::Cherokee, "Cherokee"),
    (Script::Lisu, "Lisu"),
    (Script::Georgian, "Georgian"),
];

/// What is odd about a code, where anything is: letters of several scripts that look alike, or characters that are
/// not seen.
pub fn oddity(code: &str) -> Option<String> {
    if code.is_ascii() {
        return None;
    }
    let scripts: BTreeSet<&str> = code
        .chars()
        .filter_map(|character| {
            let script = character.script();
            let mut alike = LOOK_ALIKE.iter();
            alike.find(|(known, _)| *known == script)
        })
        .map(|(_, name)| *name)
        .collect();
    let is_unseen = |character: char| {
        is_hidden(character)
            || matches!(character, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}')
    };
    if scripts.len() > 1 {
        let scripts: Vec<&str> = scripts.into_iter().collect();
        Some(format!("mixes {}", scripts.join(" and ")))
    } else {
        code.chars()
            .any(is_unseen)
            .then(|| "has invisible characters".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_shown() {
        assert_eq!(
            shown("a\u{1b}[2Jb\u{9b}\nc"),
            "a\u{fffd}[2Jb\u{fffd}\u{fffd}c"
        );
        assert_eq!(
            shown("a\u{202e}b\u{2066}\u{200b}"),
            "a<U+202E>b<U+2066><U+200B>"
        );
        assert_eq!(shown("\u{e0041}\u{2028}"), "<U+E0041><U+2028>");
        assert_eq!(shown("DOT\u{200d}_A\u{200c}"), "DOT<U+200D>_A<U+200C>");
        assert_eq!(shown("a\u{3164}b"), "a<U+3164>b");
        let fine = "Ünïcödé 漢字 👩\u{200d}👩 می\u{200c}خواهم";
        assert_eq!(shown(fine), fine);
    }

    #[test]
    fn drawn_text_keeps_its_colours_and_lines_alone() {
        let drawn = "\u{1b}[1mHEAD\u{1b}[0m\tx\n\u{1b}[38;5;1my";
        assert_eq!(screened(drawn), drawn);
        assert_eq!(
            screened("\u{1b}[2J\u{1b}]0;x\u{7}\u{202e}"),
            "\u{fffd}[2J\u{fffd}]0;x\u{fffd}<U+202E>"
        );
        assert_eq!(screened("\u{1b}[31"), "\u{fffd}[31");
    }

    #[test]
    fn escaped_json_is_the_same_json() {
        let value = serde_json::json!({"a\u{202e}": "\u{9b}2J\u{e0041}\u{7f}\n", "b": ["漢"]});
        let escaped = escaped_json(&serde_json::to_string_pretty(&value).unwrap());
        assert!(
            !escaped.chars().any(|it| is_hidden(it) && it != '\n'),
            "{escaped}"
        );
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&escaped).unwrap(),
            value
        );
    }

    #[test]
    fn codes_that_mix_scripts_or_hide_characters_are_odd() {
        assert_eq!(
            oddity("PROC-CAND:b\u{430}ckup").as_deref(),
            Some("mixes Cyrillic and Latin")
        );
        assert_eq!(
            oddity("DOT_\u{391}\u{392}").as_deref(),
            Some("mixes Greek and Latin")
        );
        assert_eq!(
            oddity("DOT\u{200d}").as_deref(),
            Some("has invisible characters")
        );
        for fine in ["PROC-CAND:backup", "ПРОГОН:копия", "DOT_漢字", "DOT_é"] {
            assert_eq!(oddity(fine), None, "{fine}");
        }
    }
}
