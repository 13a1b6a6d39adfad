//! Text as people and programs send it: blank in every script's way, too long, quoted, and in other scripts.

use rstest_reuse::apply;
use serde_json::{Value, json};

use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::world::{CANDIDATE, LONE, PRODUCER, import};
use crate::common::{
    Backend, Call, Refusal, Stage, ask, code, contents, literal, refused, row, rows, text,
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

fn set(function: &'static str, arguments: &[(&'static str, &str)]) -> Call {
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
    let stage = Stage::new(backend).await;
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
async fn each_white_space_alone_is_blank_and_nothing_else_is(backend: Backend) {
    let stage = Stage::new(backend).await;
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
    for something in NOT_BLANK {
        let run = text(
            &observer,
            &Call::run()
                .text("p_actor", something)
                .text("p_correlation_id", something)
                .text("p_process_candidate_code", something)
                .sql(),
        )
        .await;
        let stored = row(&observer, &format!("SELECT actor, correlation_id, process_candidate_code FROM dot.v_process_run WHERE process_run_id = '{run}'")).await;
        assert_eq!(
            stored,
            json!({"actor": something, "correlation_id": something, "process_candidate_code": something})
        );
    }
}

#[apply(on_each_backend)]
async fn a_blank_optional_text_is_none(backend: Backend) {
    let stage = Stage::new(backend).await;
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

/// Every text that has a limit: who calls, the call, the argument, the limit, and what becomes of a text at the limit.
fn limited_texts() -> Vec<(&'static str, Call, &'static str, usize)> {
    let component = || Call::component("RUN");
    let mut limited = Vec::new();
    for call in [Call::pair, Call::run] {
        limited.extend([
            ("observer", call(), "p_actor", 200),
            ("observer", call(), "p_process_candidate_code", 200),
            ("observer", call(), "p_correlation_id", 500),
        ]);
    }
    limited.push(("observer", component(), "p_actor", 200));
    for call in [Call::pair(), Call::run(), component()] {
        limited.push(("observer", call.clone(), "p_idempotency_key", 500));
        for reference in ["p_input_ref", "p_output_ref", "p_error_ref"] {
            limited.push(("observer", call.clone(), reference, 2000));
        }
    }
    limited.extend([
        ("observer", Call::run(), "p_event_code", 200),
        ("observer", Call::run(), "p_process_definition_code", 200),
        ("observer", Call::run(), "p_source_system", 200),
        ("observer", component(), "p_event_code", 200),
        ("observer", component(), "p_source_system", 200),
        ("observer", component(), "p_output_digest", 200),
        ("observer", Call::backfill(&json!([])), "p_actor", 200),
        ("observer", Call::backfill(&json!([])), "p_source_ref", 2000),
        ("observer", Call::acquire(1), "p_holder", 200),
        ("operator", Call::gate("process_dot_runtime.execute_enabled", "false"), "p_actor", 200),
        ("operator", Call::gate("process_dot_runtime.execute_enabled", "false"), "p_reason", 2000),
        ("operator", set("fn_dot_lease_force_release", &[("p_lease_name", "'x'"), ("p_actor", "'a'"), ("p_reason", "'r'")]), "p_actor", 200),
        ("operator", set("fn_dot_lease_force_release", &[("p_lease_name", "'x'"), ("p_actor", "'a'"), ("p_reason", "'r'")]), "p_reason", 2000),
        ("operator", set("fn_event_type_set_active", &[("p_event_type", "'process.run.failed'"), ("p_active", "true"), ("p_actor", "'a'"), ("p_reason", "'r'")]), "p_actor", 200),
        ("operator", set("fn_event_type_set_active", &[("p_event_type", "'process.run.failed'"), ("p_active", "true"), ("p_actor", "'a'"), ("p_reason", "'r'")]), "p_reason", 2000),
        ("operator", set("fn_process_candidate_set", &[("p_process_candidate_code", "'c'"), ("p_title", "''"), ("p_owner", "''"), ("p_actor", "'a'")]), "p_process_candidate_code", 200),
        ("operator", set("fn_process_candidate_set", &[("p_process_candidate_code", "'c'"), ("p_title", "''"), ("p_owner", "''"), ("p_actor", "'a'")]), "p_actor", 200),
        ("operator", set("fn_process_candidate_set", &[("p_process_candidate_code", "'c'"), ("p_title", "''"), ("p_owner", "''"), ("p_actor", "'a'")]), "p_owner", 200),
        ("operator", set("fn_dot_fixture_put", &[("p_fixture_ref", "'f'"), ("p_body", "'{}'"), ("p_sha256", "encode(sha256('{}'), 'hex')"), ("p_actor", "'a'")]), "p_fixture_ref", 200),
        ("operator", set("fn_dot_preflight_check_set", &[("p_check_name", "'c'"), ("p_count_query", "'dot.fn_dot_check_malformed_gates'"), ("p_actor", "'a'")]), "p_check_name", 200),
        ("operator", import(&json!([])), "p_actor", 200),
        ("operator", set("fn_dot_contract_set", &[("p_contract", &format!("'{}'", json!({"dot_code": PRODUCER, "mode": "REAL_RUN", "endpoint_ref": "mcp:x"}))), ("p_actor", "'a'")]), "p_actor", 200),
    ]);
    limited
}

#[apply(on_each_backend)]
async fn a_text_at_its_limit_is_taken_and_one_character_more_is_refused(backend: Backend) {
    let stage = Stage::new(backend).await;
    let (observer, operator, superuser) = (
        stage.client("observer").await,
        stage.client("operator").await,
        stage.superuser().await,
    );
    let mut wrong = Vec::new();
    for (number, (role, call, argument, limit)) in limited_texts().into_iter().enumerate() {
        let client = if role == "observer" {
            &observer
        } else {
            &operator
        };
        let run = text(&observer, &Call::run().text("p_dot_code", PRODUCER).sql()).await;
        // Of four bytes each: it is characters that are counted. Each case has a text of its own, or keys would meet.
        let of_length = |length: usize| format!("{number:03}{}", "🧭".repeat(length - 3));
        let sql = |length: usize| {
            call.clone()
                .text(argument, &of_length(length))
                .sql()
                .replace("'RUN'", &literal(&run))
        };
        let before = contents(&superuser).await;
        for length in [limit + 1, 1_048_576 / 4] {
            match ask(client, &sql(length)).await {
                Ok(_) => wrong.push(format!(
                    "{argument} of {length} characters was taken: {}",
                    call.sql()
                )),
                Err(error) => {
                    let refusal = Refusal::of(&error);
                    let expected = ("text_too_long", &json!(length), &json!(limit), true);
                    let found = (
                        refusal.code.as_str(),
                        &refusal.detail["length"],
                        &refusal.detail["limit"],
                        refusal.message.len() < 500,
                    );
                    if found != expected {
                        wrong.push(format!(
                            "{argument} of {length} characters: {found:?}: {}",
                            call.sql()
                        ));
                    }
                }
            }
        }
        if wrong.is_empty() {
            contents(&superuser).await.assert_same(&before, argument);
        }
        if let Err(error) = ask(client, &sql(limit)).await {
            wrong.push(format!(
                "{argument} at its limit is refused: {}: {error:?}",
                call.sql()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[apply(on_each_version)]
async fn a_lease_name_has_five_hundred_characters_at_most(backend: Backend) {
    let stage = Stage::new(backend).await;
    let observer = stage.client("observer").await;
    assert!(
        !text(
            &observer,
            &Call::acquire(1)
                .text("p_lease_name", &"🧭".repeat(500))
                .sql()
        )
        .await
        .is_empty()
    );
    for length in [501, 262_144] {
        assert_eq!(
            code(
                &observer,
                &Call::acquire(1)
                    .text("p_lease_name", &"🧭".repeat(length))
                    .sql()
            )
            .await,
            "lease_name_invalid"
        );
    }
}

#[apply(on_each_backend)]
async fn a_megabyte_in_a_choice_is_refused_without_an_echo(backend: Backend) {
    let stage = Stage::new(backend).await;
    let (observer, operator, superuser) = (
        stage.client("observer").await,
        stage.client("operator").await,
        stage.superuser().await,
    );
    let before = contents(&superuser).await;
    let mut wrong = Vec::new();
    let choices = [
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
        ("observer", Call::run(), "p_status", "status_invalid"),
        (
            "observer",
            Call::run(),
            "p_evidence_type",
            "evidence_type_invalid",
        ),
        ("observer", Call::run(), "p_dot_code", "text_too_long"),
        (
            "observer",
            Call::component("00000000-0000-7000-8000-000000000001"),
            "p_component_role",
            "role_invalid",
        ),
        (
            "observer",
            Call::component("00000000-0000-7000-8000-000000000001"),
            "p_verdict",
            "verdict_invalid",
        ),
        (
            "observer",
            Call::component("00000000-0000-7000-8000-000000000001"),
            "p_dot_code",
            "text_too_long",
        ),
        ("observer", Call::pair(), "p_dot_code", "text_too_long"),
        (
            "observer",
            Call::backfill(&json!([])),
            "p_source_sha256",
            "source_required",
        ),
        (
            "operator",
            Call::gate("process_dot_runtime.execute_enabled", "false"),
            "p_key",
            "gate_unknown",
        ),
        (
            "operator",
            Call::gate("process_dot_runtime.execute_enabled", "false"),
            "p_value",
            "gate_value_invalid",
        ),
    ];
    for (role, call, argument, expected) in choices {
        let client = if role == "observer" {
            &observer
        } else {
            &operator
        };
        let refusal = refused(
            client,
            &call.clone().with(argument, "repeat('x', 1048576)").sql(),
        )
        .await;
        let is_echoed = refusal.message.len() + refusal.detail.to_string().len() > 2000;
        if refusal.code != expected || is_echoed {
            wrong.push(format!(
                "{argument} of {}: {}, echoed: {is_echoed}",
                call.sql(),
                refusal.code
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    contents(&superuser)
        .await
        .assert_same(&before, "a megabyte");
}

#[apply(on_each_version)]
async fn the_longest_key_and_code_fit_their_indexes(backend: Backend) {
    let stage = Stage::new(backend).await;
    let (observer, operator) = (
        stage.client("observer").await,
        stage.client("operator").await,
    );
    // Four bytes a character and nothing to compress: the worst that an index entry can be.
    let worst = |length: usize, seed: u32| -> String {
        (0..length)
            .map(|n| {
                char::from_u32(0x1_0000 + (u32::try_from(n).unwrap() * 7919 + seed) % 0xFFF0)
                    .unwrap()
            })
            .collect()
    };
    let (producer, verifier) = (worst(200, 1), worst(200, 2));
    let tool = |code: &str, pair: &str, role: &str| json!({"dot_code": code, "name": "n", "tier": "A", "paired_dot": pair, "pair_role": role});
    rows(
        &operator,
        &import(&json!([
            tool(&producer, &verifier, "producer"),
            tool(&verifier, &producer, "verifier")
        ]))
        .sql(),
    )
    .await;
    let pair = Call::pair()
        .text("p_dot_code", &producer)
        .text("p_idempotency_key", &worst(500, 3))
        .text("p_correlation_id", &worst(500, 4))
        .text("p_process_candidate_code", &worst(200, 5));
    let first = row(&observer, &pair.sql()).await;
    assert_eq!(first["created"], true);
    assert_eq!(
        row(&observer, &pair.sql()).await["process_run_id"],
        first["process_run_id"]
    );
}

#[apply(on_each_backend)]
async fn texts_are_kept_to_the_letter(backend: Backend) {
    let stage = Stage::new(backend).await;
    let (observer, operator) = (
        stage.client("observer").await,
        stage.client("operator").await,
    );
    for hostile in [
        "it's; DROP TABLE dot.process_run_observation; --",
        "back\\slash \\' \\\\ \\u0041 \\x41 E'\\n'",
        "\"quoted\" $$dollar$$ $1 %s %I %L {} ${x} :name ::text",
        " leading and trailing \t",
        "line\none\r\ntwo",
        "Ünïcödé Ελληνικά Кириллица עברית العربية हिन्दी ไทย 漢字 かな 한글",
        "👩‍👩‍👧‍👦 🏳️‍🌈 e\u{301} \u{202e}reversed\u{202c} \u{200b}",
        "\u{fffd}\u{ffff}\u{10ffff}\u{1}\u{7f}",
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

#[apply(on_each_backend)]
async fn hostile_dot_codes_work_like_any_other(backend: Backend) {
    let stage = Stage::new(backend).await;
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

#[apply(on_each_backend)]
async fn evidence_is_an_object_of_sixty_four_kibibytes(backend: Backend) {
    let stage = Stage::new(backend).await;
    let (observer, superuser) = (stage.client("observer").await, stage.superuser().await);
    let run = text(&observer, &Call::run().sql()).await;
    let of_bytes = |bytes: usize| {
        format!(
            "jsonb_build_object('x', repeat('y', {}))",
            bytes - r#"{"x": ""}"#.len()
        )
    };
    let before = contents(&superuser).await;
    for call in [Call::pair(), Call::run(), Call::component(&run)] {
        for wrong in [
            "'[]'::jsonb".to_owned(),
            "'1'::jsonb".into(),
            "'\"text\"'::jsonb".into(),
            "'true'::jsonb".into(),
            "'null'::jsonb".into(),
            of_bytes(65_537),
            of_bytes(1_048_576),
        ] {
            let refusal = refused(
                &observer,
                &call.clone().with("p_evidence_ref", wrong.clone()).sql(),
            )
            .await;
            assert_eq!(refusal.code, "evidence_ref_invalid", "{wrong}");
        }
    }
    contents(&superuser)
        .await
        .assert_same(&before, "wrong evidence");
    for call in [Call::pair(), Call::run(), Call::component(&run)] {
        rows(
            &observer,
            &call.with("p_evidence_ref", of_bytes(65_536)).sql(),
        )
        .await;
    }
    rows(
        &observer,
        &Call::pair().with("p_evidence_ref", "NULL").sql(),
    )
    .await;
    let tags = row(&observer, "SELECT evidence_ref FROM dot.v_process_run WHERE producer_component_run_id IS NOT NULL ORDER BY created_at DESC LIMIT 1").await;
    assert_eq!(
        tags["evidence_ref"],
        json!({"wrapper": "dot_exec_wrapper", "actor": "tester", "posture": "NO_EXECUTE", "no_execute": true})
    );
}

#[apply(on_each_version)]
async fn a_nul_never_gets_in(backend: Backend) {
    let stage = Stage::new(backend).await;
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

#[apply(on_each_backend)]
async fn a_refusals_record_is_cut_and_never_refused_for_its_length(backend: Backend) {
    let stage = Stage::new(backend).await;
    let observer = stage.client("observer").await;
    let long = "ß".repeat(300_000);
    let refusal = json!({"refusal_code": long, "message": long, "actor": long, "dot_code": long, "process_candidate_code": long, "correlation_id": long, "posture": long, "detail": {"x": long}, "other": long});
    let record = |refusal: &str| {
        format!(
            "SELECT dot.fn_dot_refusal_record({}::jsonb)",
            literal(refusal)
        )
    };
    rows(&observer, &record(&refusal.to_string())).await;
    let lengths = row(&observer, "SELECT length(refusal_code) AS code, length(message) AS message, length(actor) AS actor, length(dot_code) AS dot, length(process_candidate_code) AS candidate, length(correlation_id) AS correlation, length(posture) AS posture, octet_length(detail::text) <= 65536 AS detail FROM dot.v_dot_refusal").await;
    assert_eq!(
        lengths,
        json!({"code": 200, "message": 2000, "actor": 200, "dot": 200, "candidate": 200, "correlation": 500, "posture": 200, "detail": true})
    );
    for odd in [
        json!({}),
        json!({"refusal_code": 1, "message": [1], "detail": "text"}),
        json!({"refusal_code": null, "detail": null}),
        json!({"refusal_code": LONE, "correlation_id": "\u{a0}", "process_candidate_code": CANDIDATE}),
    ] {
        rows(&observer, &record(&odd.to_string())).await;
    }
    let defaults = rows(
        &observer,
        "SELECT recorded_by, posture FROM dot.v_dot_refusal ORDER BY refused_at OFFSET 1",
    )
    .await;
    assert_eq!(
        defaults,
        vec![json!({"recorded_by": "dot_observer", "posture": "NO_EXECUTE"}); 4]
    );
    for wrong in ["NULL", "'[]'", "'1'", "'null'"] {
        assert_eq!(
            code(
                &observer,
                &format!("SELECT dot.fn_dot_refusal_record({wrong}::jsonb)")
            )
            .await,
            "evidence_ref_invalid",
            "{wrong}"
        );
    }
    assert_eq!(
        row(&observer, "SELECT count(*) AS n FROM dot.v_dot_refusal").await["n"],
        Value::from(5)
    );
}
