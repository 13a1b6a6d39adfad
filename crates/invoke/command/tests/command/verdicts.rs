//! What a verifier's ending means: of all that it says, the worst counts.

use dotwrap_invoke::{CallOutcome, Digest};
use dotwrap_types::Verdict;
use serde_json::{Value as Json, json};

use crate::support::{Case, failure};

async fn verdict(script: &str, more: Json) -> Option<Verdict> {
    let answer = Case::verifier(script, more).run().await;
    assert_eq!(answer.ending, CallOutcome::Completed, "{script}");
    if answer.verdict != Some(Verdict::Pass) {
        assert!(
            answer.evidence.contains_key("not_passed_reasons"),
            "{script}"
        );
    }
    answer.verdict
}

#[tokio::test]
async fn the_exit_status_passes_or_fails() {
    assert_eq!(verdict("true", json!({})).await, Some(Verdict::Pass));
    assert_eq!(verdict("exit 1", json!({})).await, Some(Verdict::Fail));
    assert_eq!(
        verdict("exit 4", json!({"success_exit": [4]})).await,
        Some(Verdict::Pass)
    );
    assert_eq!(
        verdict("true", json!({"success_exit": [4]})).await,
        Some(Verdict::Fail)
    );
}

#[tokio::test]
async fn what_could_not_tell_is_an_error() {
    for (script, more, code) in [
        ("exit 2", json!({"error_exit": [2]}), "exit_status"),
        ("exit 126", json!({}), "exit_status"),
        ("no-such-program", json!({}), "exit_status"),
        ("sh -c 'kill -9 $$'; exit $?", json!({}), "exit_status"),
        ("kill -SEGV $$", json!({}), "signal"),
        ("kill -9 $$", json!({}), "signal"),
    ] {
        let answer = Case::verifier(script, more).run().await;
        assert_eq!(failure(&answer).code, code);
        assert_eq!(answer.verdict, Some(Verdict::Error), "{script}");
    }
    let answer = Case::verifier("sleep 1000", json!({}))
        .time_limit(100)
        .run()
        .await;
    assert_eq!(failure(&answer).code, "deadline");
    assert_eq!(answer.verdict, Some(Verdict::Error));
}

#[tokio::test]
async fn an_exit_status_of_zero_does_not_outweigh_what_is_printed() {
    for (printed, expected) in [
        (r#"{"verdict": "pass"}"#, Verdict::Pass),
        (r#"{"verdict": "fail"}"#, Verdict::Fail),
        (r#"{"verdict": "error"}"#, Verdict::Error),
        (r#"{"verdict": "PASS"}"#, Verdict::Error),
        (r#"{"verdict": true}"#, Verdict::Error),
        (r#"{"verdict": null}"#, Verdict::Error),
        (r#"{"other": 1}"#, Verdict::Pass),
        ("all is well", Verdict::Pass),
    ] {
        let script = format!("echo '{printed}'");
        assert_eq!(
            verdict(&script, json!({})).await,
            Some(expected),
            "{printed}"
        );
    }
    let printed_pass = r#"echo '{"verdict": "pass"}'; exit 1"#;
    assert_eq!(verdict(printed_pass, json!({})).await, Some(Verdict::Fail));
}

#[tokio::test]
async fn a_verdict_that_is_not_where_it_is_looked_for_passes_nothing() {
    let deep = format!(
        r#"{{"verdict": "fail", "x": {}{}}}"#,
        "[".repeat(200),
        "]".repeat(200)
    );
    for printed in [
        r#"{"result": {"verdict": "fail"}}"#,
        r#"{"verdict": "fail", "verdict": "pass"}"#,
        r#"{"verdict": "pass", "Verdict": "fail"}"#,
        r#"{"VERDICT": "fail"}"#,
        r#"[{"verdict": "fail"}]"#,
        r#"{"verdict": "fail"} and more"#,
        "{\"verdict\": \"fail\"}\n{\"verdict\": \"pass\"}",
        "looking\n{\"verdict\": \"fail\"}",
        "looking\n{\"\\u0076erdict\": \"fail\"}\nfound",
        r#"[{"\u0056\u0045\u0052\u0044\u0049\u0043\u0054": "fail"}]"#,
        r#"{"\u0076erdict": "fail"} and more"#,
        r#""{\"verdict\":\"fail\"}""#,
        r#"{"message":"{\"verdict\":\"fail\"}"}"#,
        &deep,
    ] {
        let script = format!("cat <<'END'\n{printed}\nEND");
        let expected = Some(Verdict::Error);
        assert_eq!(verdict(&script, json!({})).await, expected, "{printed}");
    }
    for script in [
        r#"printf '\000{"verdict": "fail"}'"#,
        r#"printf '{"verdict": "fail", "x": "\377"}'"#,
        "head -c 1048500 /dev/zero | tr '\\0' x; for i in 1 2 3 4 5 6 7 8 9; do echo ..........; done; printf '{\"\\\\u0076erdict\": \"fail\"}'",
    ] {
        assert_eq!(
            verdict(script, json!({})).await,
            Some(Verdict::Error),
            "{script}"
        );
    }
    let with_mark = r#"printf '\357\273\277{"verdict": "fail"}'"#;
    assert_eq!(verdict(with_mark, json!({})).await, Some(Verdict::Fail));
    for harmless in [
        "the verdict of the jury",
        "Overall verdict: OK",
        "verdict: fail",
        "<verdict>fail</verdict>",
        r#"{"message":"looking\nverdict: fail"}"#,
        r#"{"verdict": "pass", "earlier": {"verdict": "fail"}}"#,
        r#"{"verdict": "pass", "earlier": "verdict: fail"}"#,
    ] {
        let script = format!("echo '{harmless}'");
        assert_eq!(
            verdict(&script, json!({})).await,
            Some(Verdict::Pass),
            "{harmless}"
        );
    }
    for script in [
        "printf 'all is well\\000'",
        "printf 'all is well: \\351t\\351'",
    ] {
        assert_eq!(
            verdict(script, json!({})).await,
            Some(Verdict::Pass),
            "{script}"
        );
    }
    let agreed = json!({"pass_stdout": "verdict: fine"});
    assert_eq!(
        verdict("echo verdict: fine", agreed).await,
        Some(Verdict::Pass)
    );
}

#[tokio::test]
async fn patterns_decide_by_stream() {
    let rules = json!({
        "pass_if": {"stdout": "^checked [1-9][0-9]* files$"},
        "fail_if": {"stderr": "corrupt"},
        "error_if": {"stderr": "(?i)cannot connect"},
    });
    for (script, expected) in [
        ("echo start; echo checked 12 files; echo end", Verdict::Pass),
        ("echo checked 0 files", Verdict::Fail),
        ("echo checked 12 files; echo corrupt: 1 >&2", Verdict::Fail),
        (
            "echo checked 12 files; echo Cannot connect >&2",
            Verdict::Error,
        ),
        ("echo corrupt >&2; echo cannot connect >&2", Verdict::Error),
        ("echo checked 12 files; exit 1", Verdict::Fail),
        // What has a rule is clear, whatever else stands there.
        (
            "echo checked 12 files; echo '{\"verdict\": \"fail\"}'",
            Verdict::Pass,
        ),
        // A longer text is not compared to its end.
        (
            "echo checked 12 files; head -c 1100000 /dev/zero",
            Verdict::Error,
        ),
    ] {
        assert_eq!(
            verdict(script, rules.clone()).await,
            Some(expected),
            "{script}"
        );
    }
}

#[tokio::test]
async fn an_object_that_is_too_long_to_look_at_passes_nothing() {
    let script = r#"printf '{"verdict": "fail", "padding": "'; head -c 2000000 /dev/zero | tr '\0' x; echo '"}'"#;
    assert_eq!(verdict(script, json!({})).await, Some(Verdict::Error));
}

#[tokio::test]
async fn it_passes_only_with_the_words_of_a_pass_where_there_are_some() {
    let only_ok = json!({"pass_stdout": "ok"});
    for (script, expected) in [
        ("echo ok", Verdict::Pass),
        ("printf ok", Verdict::Pass),
        ("printf 'ok\\n\\n'", Verdict::Pass),
        ("echo okay", Verdict::Fail),
        ("echo ' ok'", Verdict::Fail),
        ("true", Verdict::Fail),
        ("echo ok; exit 1", Verdict::Fail),
        ("printf 'ok\\377'", Verdict::Fail),
        ("echo ok; head -c 2000000 /dev/zero", Verdict::Fail),
    ] {
        assert_eq!(
            verdict(script, only_ok.clone()).await,
            Some(expected),
            "{script}"
        );
    }
}

#[tokio::test]
async fn the_digest_that_it_looked_at_is_passed_on() {
    let digest = Digest::of("made");
    for member in ["output_digest", "verified_digest"] {
        let script = format!("echo '{{\"verdict\": \"pass\", \"{member}\": \"{digest}\"}}'");
        let answer = Case::verifier(&script, json!({})).run().await;
        assert_eq!(answer.verdict, Some(Verdict::Pass));
        assert_eq!(answer.verified_digest, Some(digest));
    }
    for wrong in ["\"sha256:12\"", "12", "null"] {
        let script = format!("echo '{{\"verdict\": \"pass\", \"output_digest\": {wrong}}}'");
        let answer = Case::verifier(&script, json!({})).run().await;
        assert_eq!(answer.verdict, Some(Verdict::Error), "{wrong}");
        assert_eq!(answer.verified_digest, None);
    }
    let other = Digest::of("else");
    let script = format!(r#"echo '{{"output_digest": "{digest}", "verified_digest": "{other}"}}'"#);
    assert_eq!(verdict(&script, json!({})).await, Some(Verdict::Error));
}
