//! Text from people and programs: blank in every script, too long, quoted, and in other scripts.

use rstest_reuse::apply;
use serde_json::json;

use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::{PRODUCER, import};
use crate::common::{
    Backend, Call, Refusal, TestContext, ask, code, contents, literal, row, rows, text,
};

/// Unicode's White_Space, of which only the first six are what C calls space.
const WHITE_SPACE: [char; 25] = [
    '\t', '\n', '\u{b}', '\u{c}', '\r', ' ', '\u{85}', '\u{a0}', '\u{1680}', '\u{2000}',
    '\u{2001}', '\u{2002}', '\u{2003}', '\u{2004}', '\u{2005}', '\u{2006}', '\u{2007}', '\u{2008}',
    '\u{2009}', '\u{200a}', '\u{2028}', '\u{2029}', '\u{202f}', '\u{205f}', '\u{3000}',
];

/// What looks like nothing and is something.
const NOT_BLANK: [&str; 6] = [
    "\u{200b}", "\u{feff}", "\u{180e}", "\u{2060}", "\u{2800}", "\u{1}",
];

#[test]
fn the_list_is_unicodes_own() {
    let white_space: Vec<char> = (char::MIN..=char::MAX)
        .filter(|character| character.is_whitespace())
        .collect();
    assert_eq!(white_space, WHITE_SPACE);
}

/// A call with these arguments, SQL expressions.
pub(crate) fn set(function: &'static str, arguments: &[(&'static str, &str)]) -> Call {
    arguments
        .iter()
        .fold(Call::new(function), |call, (name, expression)| {
            call.with(name, *expression)
        })
}

/// Every text that a function requires: who calls, the call, the argument, the refusal where it is missing.
fn required_texts() -> Vec<(&'static str, Call, &'static str, &'static str)> {
    let component = || Call::component("00000000-0000-7000-8000-000000000001");
    let release =
        || Call::lease("fn_dot_iu_runtime_lease_release").with("p_token", "gen_random_uuid()");
    let renew = || {
        Call::lease("fn_dot_iu_runtime_lease_renew")
            .with("p_token", "gen_random_uuid()")
            .with("p_ttl_seconds", "1")
    };
    let force = || {
        set(
            "fn_dot_lease_force_release",
            &[
                ("p_lease_name", "'x'"),
                ("p_actor", "'a'"),
                ("p_reason", "'r'"),
            ],
        )
    };
    let switch = || {
        set(
            "fn_event_type_set_active",
            &[
                ("p_event_type", "'process.run.failed'"),
                ("p_active", "true"),
                ("p_actor", "'a'"),
                ("p_reason", "'r'"),
            ],
        )
    };
    let candidate = || {
        set(
            "fn_process_candidate_set",
            &[
                ("p_process_candidate_code", "'c'"),
                ("p_title", "''"),
                ("p_owner", "''"),
                ("p_actor", "'a'"),
            ],
        )
    };
    let contract = || {
        set(
            "fn_dot_contract_set",
            &[("p_contract", "'{}'"), ("p_actor", "'a'")],
        )
    };
    let fixture = || {
        set(
            "fn_dot_fixture_put",
            &[
                ("p_fixture_ref", "'f'"),
                ("p_body", "'{}'"),
                ("p_sha256", "encode(sha256('{}'), 'hex')"),
                ("p_actor", "'a'"),
            ],
        )
    };
    let check = || {
        set(
            "fn_dot_preflight_check_set",
            &[
                ("p_check_name", "'c'"),
                ("p_count_query", "'dot.fn_dot_check_malformed_gates'"),
                ("p_actor", "'a'"),
            ],
        )
    };
    let backfill = || Call::backfill(&json!([]));
    let gate = || Call::gate("process_dot_runtime.execute_enabled", "false");
    vec![
        ("observer", Call::pair(), "p_actor", "actor_required"),
        (
            "observer",
            Call::pair(),
            "p_correlation_id",
            "correlation_required",
        ),
        (
            "observer",
            Call::pair(),
            "p_process_candidate_code",
            "candidate_required",
        ),
        ("observer", Call::pair(), "p_dot_code", "unknown_dot"),
        (
            "observer",
            Call::pair(),
            "p_wrapper_status",
            "status_invalid",
        ),
        (
            "observer",
            Call::pair(),
            "p_evidence_type",
            "evidence_type_invalid",
        ),
        ("observer", Call::run(), "p_actor", "actor_required"),
        (
            "observer",
            Call::run(),
            "p_correlation_id",
            "correlation_required",
        ),
        (
            "observer",
            Call::run(),
            "p_process_candidate_code",
            "candidate_required",
        ),
        ("observer", Call::run(), "p_status", "status_invalid"),
        (
            "observer",
            Call::run(),
            "p_evidence_type",
            "evidence_type_invalid",
        ),
        ("observer", component(), "p_actor", "actor_required"),
        (
            "observer",
            component(),
            "p_correlation_id",
            "correlation_required",
        ),
        ("observer", component(), "p_component_role", "role_invalid"),
        ("observer", component(), "p_status", "status_invalid"),
        (
            "observer",
            component(),
            "p_evidence_type",
            "evidence_type_invalid",
        ),
        ("observer", backfill(), "p_actor", "actor_required"),
        ("observer", backfill(), "p_source_ref", "source_required"),
        ("observer", backfill(), "p_source_sha256", "source_required"),
        (
            "observer",
            Call::acquire(1),
            "p_lease_name",
            "lease_name_invalid",
        ),
        ("observer", Call::acquire(1), "p_holder", "holder_required"),
        ("observer", release(), "p_lease_name", "lease_name_invalid"),
        ("observer", release(), "p_holder", "holder_required"),
        ("observer", renew(), "p_lease_name", "lease_name_invalid"),
        ("observer", renew(), "p_holder", "holder_required"),
        ("operator", gate(), "p_key", "gate_unknown"),
        ("operator", gate(), "p_value", "gate_value_invalid"),
        ("operator", gate(), "p_actor", "actor_required"),
        ("operator", gate(), "p_reason", "reason_required"),
        ("operator", force(), "p_lease_name", "lease_name_invalid"),
        ("operator", force(), "p_actor", "actor_required"),
        ("operator", force(), "p_reason", "reason_required"),
        ("operator", switch(), "p_event_type", "event_type_unknown"),
        ("operator", switch(), "p_actor", "actor_required"),
        ("operator", switch(), "p_reason", "reason_required"),
        (
            "operator",
            candidate(),
            "p_process_candidate_code",
            "candidate_required",
        ),
        ("operator", candidate(), "p_actor", "actor_required"),
        ("operator", contract(), "p_actor", "actor_required"),
        ("operator", fixture(), "p_fixture_ref", "fixture_missing"),
        ("operator", fixture(), "p_actor", "actor_required"),
        ("operator", check(), "p_check_name", "check_invalid"),
        ("operator", check(), "p_count_query", "check_invalid"),
        ("operator", check(), "p_actor", "actor_required"),
        ("operator", import(&json!([])), "p_actor", "actor_required"),
    ]
}

#[apply(on_each_backend)]
async fn every_blank_counts_as_missing_for_every_required_text(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, operator, superuser) = (
        stage.client("observer").await,
        stage.client("operator").await,
        stage.superuser().await,
    );
    let every_white_space: String = WHITE_SPACE.iter().collect();
    let blanks = [
        "NULL".to_owned(),
        "''".into(),
        "' '".into(),
        literal("\u{a0}"),
        literal("\u{2003}\u{3000}"),
        literal("\t\r\n"),
        literal(&every_white_space),
    ];
    let mut wrong = Vec::new();
    let before = contents(&superuser).await;
    for (role, call, argument, expected) in required_texts() {
        let client = if role == "observer" {
            &observer
        } else {
            &operator
        };
        for blank in &blanks {
            let outcome = ask(client, &call.clone().with(argument, blank.clone()).sql()).await;
            let found = outcome
                .as_ref()
                .err()
                .and_then(|error| error.as_db_error()?.constraint());
            if found != Some(expected) {
                wrong.push(format!(
                    "{argument} => {blank} of {}: {found:?} instead of {expected}",
                    call.sql()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    contents(&superuser)
        .await
        .assert_same(&before, "a blank text");
}

#[apply(on_each_version)]
async fn each_white_space_alone_is_blank_and_an_invisible_character_is_refused(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    for white_space in WHITE_SPACE {
        assert_eq!(
            code(
                &observer,
                &Call::run().text("p_actor", &white_space.to_string()).sql()
            )
            .await,
            "actor_required",
            "U+{:04X}",
            white_space as u32
        );
    }
    for invisible in NOT_BLANK {
        for argument in ["p_actor", "p_correlation_id", "p_process_candidate_code"] {
            let call = Call::run().text(argument, invisible);
            assert_eq!(
                code(&observer, &call.sql()).await,
                "text_invalid",
                "{invisible:?}"
            );
        }
        // A reference is none of the names.
        rows(&observer, &Call::run().text("p_input_ref", invisible).sql()).await;
    }
}

#[apply(on_each_backend)]
async fn a_blank_optional_text_is_none(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, superuser) = (stage.client("observer").await, stage.superuser().await);
    let blank = |call: Call| {
        [
            "p_idempotency_key",
            "p_input_ref",
            "p_output_ref",
            "p_error_ref",
        ]
        .iter()
        .fold(call, |call, argument| call.text(argument, "\u{a0}\n"))
    };
    rows(&observer, &blank(Call::pair()).sql()).await;
    let run = text(
        &observer,
        &blank(Call::run())
            .text("p_dot_code", "\u{3000}")
            .text("p_source_system", " ")
            .sql(),
    )
    .await;
    rows(
        &observer,
        &blank(Call::component(&run))
            .text("p_source_system", "")
            .sql(),
    )
    .await;
    let columns = "idempotency_key, input_ref, output_ref, error_ref, source_system";
    let stored = rows(&superuser, &format!("SELECT {columns} FROM dot.process_run_observation UNION ALL SELECT {columns} FROM dot.process_component_observation")).await;
    let nothing = json!({"idempotency_key": null, "input_ref": null, "output_ref": null, "error_ref": null, "source_system": "dot_exec_wrapper"});
    assert_eq!(stored, vec![nothing; 5]);
}

#[apply(on_each_backend)]
async fn texts_are_kept_to_the_letter(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, operator) = (
        stage.client("observer").await,
        stage.client("operator").await,
    );
    for hostile in [
        "it's; DROP TABLE dot.process_run_observation; --",
        "back\\slash \\' \\\\ \\u0041 \\x41 E'\\n'",
        "\"quoted\" $$dollar$$ $1 %s %I %L {} ${x} :name ::text",
        "two  blanks",
        "Ünïcödé Ελληνικά Кириллица עברית العربية हिन्दी ไทย 漢字 かな 한글",
        "👩👧 é \u{fffd}",
        "null",
        "NULL",
        "'{}'",
        "<script>alert(1)</script>",
    ] {
        let pair = Call::pair()
            .text("p_process_candidate_code", hostile)
            .text("p_correlation_id", hostile)
            .text("p_actor", hostile)
            .text("p_idempotency_key", hostile)
            .text("p_input_ref", hostile)
            .text("p_output_ref", hostile)
            .text("p_error_ref", hostile)
            .text("p_evidence_ref", &json!({hostile: hostile}).to_string());
        let returned = row(&observer, &pair.sql()).await;
        assert_eq!(
            (&returned["output_ref"], &returned["error_ref"]),
            (&json!(hostile), &json!(hostile))
        );
        let run = returned["process_run_id"].as_str().unwrap();
        let kept = row(&observer, &format!("SELECT process_candidate_code, correlation_id, actor, idempotency_key, input_ref, evidence_ref - '{{wrapper,actor,posture,no_execute}}'::text[] AS evidence FROM dot.v_process_run WHERE process_run_id = '{run}'")).await;
        assert_eq!(
            kept,
            json!({"process_candidate_code": hostile, "correlation_id": hostile, "actor": hostile, "idempotency_key": hostile, "input_ref": hostile, "evidence": {hostile: hostile}})
        );
        rows(
            &operator,
            &Call::gate("process_dot_runtime.execute_enabled", "false")
                .text("p_reason", hostile)
                .text("p_actor", hostile)
                .sql(),
        )
        .await;
        let history = row(
            &operator,
            "SELECT actor, reason FROM dot.v_dot_gate_history ORDER BY changed_at DESC LIMIT 1",
        )
        .await;
        assert_eq!(history, json!({"actor": hostile, "reason": hostile}));
    }
}

/// Texts that look like another name, or like none, with the first character that is wrong.
const UNFIT_NAMES: [(&str, &str); 22] = [
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
    // And nothing that is written with: letters, marks, numbers, punctuation, symbols.
    let seen: Vec<char> = ('\u{1}'..=char::MAX)
        .filter(|character| refused.contains(&u64::from(u32::from(*character))))
        .filter(|character| character.is_alphanumeric())
        .collect();
    let fillers = [
        '\u{115f}', '\u{1160}', '\u{17b4}', '\u{17b5}', '\u{3164}', '\u{ffa0}',
    ];
    assert!(seen.iter().all(|it| fillers.contains(it)), "{seen:?}");
}

/// Every argument that names something: who calls, the call, the argument.
fn names() -> Vec<(&'static str, Call, &'static str)> {
    let contract = json!({"dot_code": PRODUCER, "mode": "REAL_RUN", "endpoint_ref": "mcp:x"});
    let contract = format!("{}::jsonb", literal(&contract.to_string()));
    let component = || Call::component("RUN");
    let renew = Call::lease("fn_dot_iu_runtime_lease_renew")
        .with("p_token", "gen_random_uuid()")
        .with("p_ttl_seconds", "1");
    let candidate = || {
        set(
            "fn_process_candidate_set",
            &[
                ("p_process_candidate_code", "'c'"),
                ("p_title", "''"),
                ("p_owner", "''"),
                ("p_actor", "'a'"),
            ],
        )
    };
    let fixture = set(
        "fn_dot_fixture_put",
        &[
            ("p_fixture_ref", "'f'"),
            ("p_body", "'{}'"),
            ("p_sha256", "encode(sha256('{}'), 'hex')"),
            ("p_actor", "'a'"),
        ],
    );
    let check = set(
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
            set("fn_dot_catalogue_import", &[("p_catalogue", "'{}'")]),
            "p_actor",
        ),
        (
            "operator",
            set("fn_dot_contract_set", &[("p_contract", &contract)]),
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
    for (role, call, argument) in names() {
        let client = match role {
            "observer" => &observer,
            "runner" => &runner,
            _ => &operator,
        };
        for (unfit, code_point) in UNFIT_NAMES {
            let sql = call.clone().text(argument, unfit).sql();
            let outcome = ask(client, &sql.replace("'RUN'", &literal(&run))).await;
            let found = outcome.err().map(|error| {
                let refusal = Refusal::of(&error);
                (refusal.code, refusal.detail["code_point"].clone())
            });
            // A source system is taken without the white space around it, as ever.
            let is_trimmed = argument == "p_source_system" && unfit.trim() == "ann";
            if found != Some(("text_invalid".to_owned(), json!(code_point))) && !is_trimmed {
                wrong.push(format!("{argument} => {unfit:?}: {found:?}: {sql}"));
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
    for (unfit, code_point) in UNFIT_NAMES {
        let tools = json!([{"dot_code": unfit, "name": "n", "tier": "A"}]);
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

#[apply(on_each_version)]
async fn a_reason_keeps_its_lines_and_has_no_control_characters(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let operator = stage.client("operator").await;
    let gate = || Call::gate("process_dot_runtime.execute_enabled", "false");
    for fine in [
        "line\none\r\ntwo\tthree ",
        "👩\u{200d}👩 e\u{301}",
        " \u{a0}x",
    ] {
        rows(&operator, &gate().text("p_reason", fine).sql()).await;
        let last = "SELECT reason FROM dot.v_dot_gate_history ORDER BY changed_at DESC LIMIT 1";
        assert_eq!(text(&operator, last).await, fine);
    }
    for steering in [
        "a\u{202e}b",
        "a\u{2067}b",
        "a\u{1b}[2J",
        "a\u{9b}2J",
        "a\u{7f}",
    ] {
        let found = code(&operator, &gate().text("p_reason", steering).sql()).await;
        assert_eq!(found, "text_invalid", "{steering:?}");
    }
}

#[apply(on_each_backend)]
async fn hostile_dot_codes_work_like_any_other(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, operator) = (
        stage.client("observer").await,
        stage.client("operator").await,
    );
    for (number, hostile) in ["DOT '; DROP", "DOT \"quoted\" %s \\", "ПРОГОН 漢字 🧭"]
        .into_iter()
        .enumerate()
    {
        let verifier = format!("{hostile} verify {number}");
        let tool = |code: &str, pair: &str, role: &str| json!({"dot_code": code, "name": code, "tier": "A", "paired_dot": pair, "pair_role": role});
        rows(
            &operator,
            &import(&json!([
                tool(hostile, &verifier, "producer"),
                tool(&verifier, hostile, "verifier")
            ]))
            .sql(),
        )
        .await;
        let pair = Call::pair()
            .text("p_dot_code", hostile)
            .text("p_idempotency_key", hostile);
        assert_eq!(row(&observer, &pair.sql()).await["created"], true);
        assert_eq!(row(&observer, &pair.sql()).await["created"], false);
        let sides = row(&observer, &format!("SELECT producer_dot_code, verifier_dot_code FROM dot.v_process_run WHERE dot_code = {}", literal(hostile))).await;
        assert_eq!(
            sides,
            json!({"producer_dot_code": hostile, "verifier_dot_code": verifier})
        );
        assert_eq!(
            code(&observer, &Call::pair().text("p_dot_code", &verifier).sql()).await,
            "not_a_producer"
        );
    }
    for unknown in [
        "dot_backup",
        "DOT_BACKUP ",
        " DOT_BACKUP",
        "DOT_BACKUP\u{200b}",
        "%",
        "DOT%",
        "' OR true --",
    ] {
        assert_eq!(
            code(&observer, &Call::pair().text("p_dot_code", unknown).sql()).await,
            "unknown_dot",
            "{unknown:?}"
        );
    }
}

#[apply(on_each_version)]
async fn nul_character_is_refused_everywhere(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, superuser) = (stage.client("observer").await, stage.superuser().await);
    let before = contents(&superuser).await;
    let as_parameter = observer
        .query_typed(
            "SELECT dot.fn_process_run_observe('c', 'c', $1)",
            &[(&"a\0b", tokio_postgres::types::Type::TEXT)],
        )
        .await;
    assert_eq!(as_parameter.unwrap_err().code().unwrap().code(), "22021");
    let as_json = ask(
        &observer,
        &Call::run()
            .with("p_evidence_ref", r#"'{"a": "\u0000"}'::jsonb"#)
            .sql(),
    )
    .await;
    assert_eq!(as_json.unwrap_err().code().unwrap().code(), "22P05");
    contents(&superuser).await.assert_same(&before, "a NUL");
}
