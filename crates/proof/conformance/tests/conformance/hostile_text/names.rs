//! Invisible and control characters in names.

use rstest_reuse::apply;
use serde_json::json;

use crate::common::backend::on_each_version;
use crate::common::fixtures::{PRODUCER, import};
use crate::common::{Backend, Call, Refusal, TestContext, ask, code, literal, rows, text};

/// Names that are refused, and their first invalid character.
const INVALID_NAMES: [(&str, &str); 22] = [
    ("ann\u{202e}nna", "U+202E"),
    ("ann\u{2066}x\u{2069}", "U+2066"),
    ("ann\u{200b}", "U+200B"),
    ("an\u{200d}n", "U+200D"),
    ("ann\u{ad}a", "U+00AD"),
    ("ann\u{feff}", "U+FEFF"),
    ("ann\u{2060}", "U+2060"),
    ("ann\u{fe0f}", "U+FE0F"),
    ("ann\u{e0041}", "U+E0041"),
    ("ann\u{e0100}", "U+E0100"),
    ("ann\u{3164}", "U+3164"),
    ("ann\u{2800}", "U+2800"),
    ("ann\u{2028}a", "U+2028"),
    ("ann\u{a0}bell", "U+00A0"),
    ("ann\u{1b}[2J", "U+001B"),
    ("ann\u{9b}2J", "U+009B"),
    ("line\none", "U+000A"),
    ("ann\u{10ffff}", "U+10FFFF"),
    (" ann", "U+0020"),
    ("ann ", "U+0020"),
    ("ann\t", "U+0009"),
    ("e\u{301}", "U+0065"),
];

#[apply(on_each_version)]
async fn every_character_that_unicode_calls_control_format_or_separator_is_refused_in_a_name(
    backend: Backend,
) {
    use unicode_properties::{GeneralCategory as Category, UnicodeGeneralCategory};
    let stage = TestContext::new(backend).await;
    let superuser = stage.superuser().await;
    let refused = rows(
        &superuser,
        "SELECT n FROM generate_series(1, 1114111) n
         WHERE n NOT BETWEEN 55296 AND 57343
           AND (dot.fn_dot_text_flaw('a' || chr(n) || 'b', true)).flaw = 'contains an invisible character'",
    )
    .await;
    let refused: std::collections::BTreeSet<u64> = refused
        .iter()
        .map(|row| row["n"].as_u64().unwrap())
        .collect();
    let missed: Vec<char> = ('\u{1}'..=char::MAX)
        .filter(|character| *character != ' ')
        .filter(|character| {
            matches!(
                character.general_category(),
                Category::Control
                    | Category::Format
                    | Category::LineSeparator
                    | Category::ParagraphSeparator
                    | Category::SpaceSeparator
            )
        })
        .filter(|character| !refused.contains(&u64::from(u32::from(*character))))
        .collect();
    assert!(missed.is_empty(), "{missed:?}");
    // Letters and numbers are not refused, except for invisible fillers.
    let seen: Vec<char> = ('\u{1}'..=char::MAX)
        .filter(|character| refused.contains(&u64::from(u32::from(*character))))
        .filter(|character| character.is_alphanumeric())
        .collect();
    let fillers = [
        '\u{115f}', '\u{1160}', '\u{17b4}', '\u{17b5}', '\u{3164}', '\u{ffa0}',
    ];
    assert!(seen.iter().all(|it| fillers.contains(it)), "{seen:?}");
}

/// Each argument that is a name: the caller's role, the call, the argument.
fn name_arguments() -> Vec<(&'static str, Call, &'static str)> {
    let contract = json!({"dot_code": PRODUCER, "mode": "REAL_RUN", "endpoint_ref": "mcp:x"});
    let contract = format!("{}::jsonb", literal(&contract.to_string()));
    let component = || Call::component("RUN");
    let renew = Call::lease("fn_dot_iu_runtime_lease_renew")
        .with("p_token", "gen_random_uuid()")
        .with("p_ttl_seconds", "1");
    let candidate = || {
        Call::with_arguments(
            "fn_process_candidate_set",
            &[
                ("p_process_candidate_code", "'c'"),
                ("p_title", "''"),
                ("p_owner", "''"),
                ("p_actor", "'a'"),
            ],
        )
    };
    let fixture = Call::with_arguments(
        "fn_dot_fixture_put",
        &[
            ("p_fixture_ref", "'f'"),
            ("p_body", "'{}'"),
            ("p_sha256", "encode(sha256('{}'), 'hex')"),
            ("p_actor", "'a'"),
        ],
    );
    let check = Call::with_arguments(
        "fn_dot_preflight_check_set",
        &[
            ("p_check_name", "'c'"),
            ("p_count_query", "'dot.fn_dot_check_malformed_gates'"),
            ("p_actor", "'a'"),
        ],
    );
    let begin = || crate::common::run_calls::begin("REAL_RUN");
    let gate = Call::gate("process_dot_runtime.execute_enabled", "false");
    let mut names = vec![
        ("observer", Call::run(), "p_source_system"),
        ("observer", Call::run(), "p_event_code"),
        ("observer", Call::run(), "p_process_definition_code"),
        ("observer", component(), "p_actor"),
        ("observer", component(), "p_idempotency_key"),
        ("observer", component(), "p_event_code"),
        ("observer", Call::backfill(&json!([])), "p_actor"),
        ("observer", Call::acquire(1), "p_lease_name"),
        ("observer", Call::acquire(1), "p_holder"),
        ("observer", renew, "p_holder"),
        ("runner", begin(), "p_actor"),
        ("runner", begin(), "p_process_candidate_code"),
        ("runner", begin(), "p_correlation_id"),
        ("runner", begin(), "p_idempotency_key"),
        ("runner", begin(), "p_runner"),
        ("operator", gate, "p_actor"),
        ("operator", candidate(), "p_process_candidate_code"),
        ("operator", candidate(), "p_owner"),
        ("operator", candidate(), "p_actor"),
        ("operator", fixture, "p_fixture_ref"),
        ("operator", check, "p_check_name"),
        ("operator", import(&json!([])), "p_actor"),
        (
            "operator",
            Call::with_arguments("fn_dot_catalogue_import", &[("p_catalogue", "'{}'")]),
            "p_actor",
        ),
        (
            "operator",
            Call::with_arguments("fn_dot_contract_set", &[("p_contract", &contract)]),
            "p_actor",
        ),
    ];
    for call in [Call::pair, Call::run] {
        names.extend([
            ("observer", call(), "p_actor"),
            ("observer", call(), "p_process_candidate_code"),
            ("observer", call(), "p_correlation_id"),
            ("observer", call(), "p_idempotency_key"),
        ]);
    }
    names
}

#[apply(on_each_version)]
async fn a_name_with_an_invisible_character_or_white_space_around_it_is_refused(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, runner, operator) = (
        stage.client("observer").await,
        stage.client("runner").await,
        stage.client("operator").await,
    );
    let run = text(&observer, &Call::run().sql()).await;
    let mut wrong = Vec::new();
    for (role, call, argument) in name_arguments() {
        let client = match role {
            "observer" => &observer,
            "runner" => &runner,
            _ => &operator,
        };
        for (invalid, code_point) in INVALID_NAMES {
            let sql = call.clone().text(argument, invalid).sql();
            let outcome = ask(client, &sql.replace("'RUN'", &literal(&run))).await;
            let found = outcome.err().map(|error| {
                let refusal = Refusal::of(&error);
                (refusal.code, refusal.detail["code_point"].clone())
            });
            // White space around a source system is removed.
            let is_trimmed = argument == "p_source_system" && invalid.trim() == "ann";
            if found != Some(("text_invalid".to_owned(), json!(code_point))) && !is_trimmed {
                wrong.push(format!("{argument} => {invalid:?}: {found:?}: {sql}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[apply(on_each_version)]
async fn a_registered_code_or_name_with_a_control_or_invisible_character_is_refused(
    backend: Backend,
) {
    let stage = TestContext::new(backend).await;
    let operator = stage.client("operator").await;
    for (invalid, code_point) in INVALID_NAMES {
        let tools = json!([{"dot_code": invalid, "name": "n", "tier": "A"}]);
        assert_eq!(
            code(&operator, &import(&tools).sql()).await,
            "tool_invalid",
            "{code_point}"
        );
    }
    for steering in ["a\u{202e}b", "a\u{1b}[2J", "a\u{9b}"] {
        let tools = json!([{"dot_code": "DOT_X", "name": steering, "tier": "A"}]);
        assert_eq!(code(&operator, &import(&tools).sql()).await, "tool_invalid");
    }
}
