//! What is found to be a secret, and what is not.

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{GeneralPurpose, general_purpose::NO_PAD},
};
use serde_json::json;

use super::*;
use crate::{Failure, StopReason, StopRecord};

const TOKEN: &str = "tok/en+with=all_of-it.42";

fn secrets() -> Secrets {
    Secrets::new([TOKEN.to_owned()])
}

fn each(spell: impl Fn(u32) -> String) -> String {
    TOKEN
        .chars()
        .map(|character| spell(character.into()))
        .collect()
}

fn base64(text: &str) -> String {
    GeneralPurpose::new(&STANDARD, NO_PAD).encode(text)
}

#[test]
fn secret_is_found_in_every_spelling() {
    let escaped = each(|code| format!("\\u{code:04x}"));
    let mut wrapped = base64(&format!("x{TOKEN}"));
    wrapped.insert_str(9, "\r\n");
    for spelled in [
        TOKEN.to_owned(),
        TOKEN.replace('/', "\\/"),
        TOKEN.replace('/', "\\u002f"),
        TOKEN.replace('/', "%2F"),
        TOKEN.replace('/', "%252f"),
        TOKEN
            .replace('/', "&sol;")
            .replace('+', "&#43;")
            .replace('=', "&#x3d;"),
        each(|code| format!("%{code:02X}")),
        each(|code| format!("\\x{code:02x}")),
        each(|code| format!("\\u{{{code:x}}}")),
        json!(escaped).to_string(),
        json!(json!(escaped).to_string()).to_string(),
        escaped,
        base64(TOKEN),
        base64(&format!("user:{TOKEN}")),
        base64(&format!("a {TOKEN} b")),
        json!(base64(TOKEN)).to_string().replace('/', "\\/"),
        wrapped,
        each(|code| format!("{code:02x}")),
        each(|code| format!("{code:02X}")),
    ] {
        let said = format!("{{\"output\": \"so {spelled} it is\"}}");
        assert!(secrets().is_in(said.as_bytes()), "{spelled}");
    }
}

#[test]
fn other_texts_hold_no_secret() {
    for text in [
        "",
        "tok/en",
        "a 100 % \\ & \\u12 &nothing; text",
        "%",
        "\\",
        "&",
    ] {
        assert!(!secrets().is_in(text.as_bytes()), "{text}");
    }
    assert!(!Secrets::new(["short".to_owned()]).is_in(b"short"));
    assert!(Secrets::default().is_empty());
}

#[test]
fn secret_that_looks_escaped_is_found() {
    let secrets = Secrets::new(["50%41b&amp;c\\u0041defg".to_owned()]);
    for text in [
        "50%41b&amp;c\\u0041defg",
        "50%41b&amp;c\\\\u0041defg",
        "50%2541b&amp;c\\u0041defg",
    ] {
        assert!(secrets.is_in(text.as_bytes()), "{text}");
    }
}

#[test]
fn secret_is_found_anywhere_in_a_file_and_in_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let limit = ReadLimit::none();
    let escaped = each(|code| format!("\\u{code:04x}"));
    for before in [0, PIECE - 5, PIECE + 3, 3 * PIECE - 70] {
        let path = folder.path().join("file");
        fs::write(&path, format!("{}{escaped}", "x".repeat(before))).unwrap();
        assert!(
            secrets().is_in_output(folder.path(), &limit).unwrap(),
            "{before}"
        );
        fs::write(&path, "x".repeat(before)).unwrap();
        assert!(!secrets().is_in_output(folder.path(), &limit).unwrap());
    }
    std::os::unix::fs::symlink(TOKEN, folder.path().join("link")).unwrap();
    assert!(secrets().is_in_output(folder.path(), &limit).unwrap());
}

#[test]
fn answer_says_no_secret_anywhere() {
    let failed = Answer::failed(Failure::new("protocol", format!("it said {TOKEN}")))
        .with("list", json!([{TOKEN: 1}, TOKEN.replace('/', "\\/")]));
    let stopped = Answer::new(CallOutcome::Stopped(StopRecord {
        reason: StopReason::Interrupted,
        signals_sent: vec![TOKEN.to_owned()],
        exited: vec![TOKEN.to_owned()],
        possible_effects: vec![TOKEN.to_owned()],
    }));
    for answer in [failed, stopped] {
        let hidden = format!("{:?}", secrets().hidden_in(answer));
        assert!(
            !secrets().is_in(hidden.as_bytes()) && hidden.contains(HIDDEN),
            "{hidden}"
        );
    }
}

#[test]
fn names_tell_secrets_from_settings() {
    for name in [
        "API_TOKEN",
        "PGPASSWORD",
        "AWS_SECRET_ACCESS_KEY",
        "OPENAI_API_KEY",
        "githubToken",
    ] {
        assert!(is_secret_name(name), "{name}");
    }
    for name in [
        "PGDATABASE",
        "HOME",
        "PGPASSFILE",
        "SSH_KEY_PATH",
        "KEYBOARD",
        "TOKENIZER",
        "",
    ] {
        assert!(!is_secret_name(name), "{name}");
    }
    let password = password_in("postgres://user:pass%2Fword1@host/db");
    assert_eq!(password.as_deref(), Some("pass/word1"));
    assert_eq!(password_in("orders"), None);
}
