//! The registry: DOTs, candidates, contracts, fixtures, checks.

use rstest_reuse::apply;
use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::{LONE, OTHER_PRODUCER, PRODUCER, VERIFIER, import, tools};
use crate::common::{
    Backend, Call, TestContext, code, contents, execute, literal, number, refused, row, rows, text,
};

fn tool(code: &str, pair: Option<(&str, &str)>) -> Value {
    json!({"dot_code": code, "name": code, "tier": "A", "paired_dot": pair.map(|pair| pair.0), "pair_role": pair.map(|pair| pair.1)})
}

/// What an import says, as `code action`.
async fn says(client: &Client, tools: &Value) -> Vec<String> {
    let actions = rows(client, &import(tools).sql()).await;
    actions
        .iter()
        .map(|row| {
            format!(
                "{} {}",
                row["dot_code"].as_str().unwrap(),
                row["action"].as_str().unwrap()
            )
        })
        .collect()
}

#[apply(on_each_backend)]
async fn import_reports_added_changed_and_kept_entries(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let operator = stage.client("operator").await;
    let kept: Vec<String> = says(&operator, &tools()).await;
    assert!(
        kept.len() == 5 && kept.iter().all(|said| said.ends_with(" keep")),
        "{kept:?}"
    );
    let full = json!({"dot_code": "DOT_FULL", "name": "full", "tier": "B", "operation": "copy", "trigger_type": "cron", "execution_engine": "command",
        "script_path": "/bin/true", "status": "retired", "extra_metadata": {"a": [1]}});
    assert_eq!(
        says(&operator, &json!([full, tool(LONE, None)])).await,
        ["DOT_FULL add", "DOT_LONE keep"]
    );
    let stored = row(&operator, "SELECT to_jsonb(t) - 'created_at' AS tool FROM dot.v_dot_tool t WHERE dot_code = 'DOT_FULL'").await;
    let mut expected = full.clone();
    expected["paired_dot"] = Value::Null;
    expected["pair_role"] = Value::Null;
    assert_eq!(stored["tool"], expected);
    let mut changed = full;
    changed["name"] = json!("renamed");
    changed["tier"] = json!("A");
    let change = row(&operator, &import(&json!([changed])).sql()).await;
    assert_eq!(
        change,
        json!({"dot_code": "DOT_FULL", "action": "change", "detail": "name, tier"})
    );
    assert_eq!(
        text(
            &operator,
            "SELECT name FROM dot.v_dot_tool WHERE dot_code = 'DOT_FULL'"
        )
        .await,
        "renamed"
    );
}

#[apply(on_each_backend)]
async fn omitted_members_of_an_entry_get_defaults(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let operator = stage.client("operator").await;
    let stored = row(&operator, &format!("SELECT to_jsonb(t) - 'created_at' AS tool FROM dot.v_dot_tool t WHERE dot_code = '{LONE}'")).await;
    assert_eq!(
        stored["tool"],
        json!({"dot_code": LONE, "name": LONE, "tier": "A", "operation": "", "paired_dot": null, "pair_role": null, "trigger_type": "manual",
               "execution_engine": "none", "script_path": null, "status": "active", "extra_metadata": {}})
    );
}

/// A wrong entry each, and a word that the refusal must hold.
fn wrong_tools() -> Vec<(Value, &'static str)> {
    let with = |key: &str, value: Value| {
        let mut tool = tool("DOT_X", None);
        tool[key] = value;
        tool
    };
    vec![
        (json!([{"name": "x", "tier": "A"}]), "dot_code"),
        (json!([with("dot_code", json!(""))]), "dot_code"),
        (json!([with("dot_code", json!("\u{a0}"))]), "dot_code"),
        (json!([with("dot_code", json!("a:b"))]), "colon"),
        (json!([with("dot_code", json!("x".repeat(201)))]), "200"),
        (json!([with("dot_code", json!(" x"))]), "white space"),
        (
            json!([tool("DOT_X", None), tool("DOT_X", None)]),
            "more than once",
        ),
        (json!([with("name", json!(" "))]), "name"),
        (json!([with("name", Value::Null)]), "name"),
        (json!([with("tier", json!("C"))]), "tier"),
        (json!([with("tier", Value::Null)]), "tier"),
        (
            json!([with("execution_engine", json!("ssh"))]),
            "execution_engine",
        ),
        (
            json!([with("extra_metadata", json!([1]))]),
            "extra_metadata",
        ),
        (json!([with("surprise", json!(1))]), "surprise"),
        (json!([with("pair_role", json!("producer"))]), "paired_dot"),
        (json!([with("paired_dot", json!("DOT_Y"))]), "pair_role"),
        (
            json!([tool("DOT_X", Some(("DOT_X", "producer")))]),
            "own pair",
        ),
        (json!([tool("DOT_X", Some(("DOT_Y", "producer")))]), "DOT_Y"),
        (
            json!([
                tool("DOT_X", Some(("DOT_Y", "referee"))),
                tool("DOT_Y", Some(("DOT_X", "verifier")))
            ]),
            "pair_role",
        ),
        (
            json!([
                tool("DOT_X", Some(("DOT_Y", "producer"))),
                tool("DOT_Y", Some(("DOT_X", "producer")))
            ]),
            "both",
        ),
        (
            json!([
                tool("DOT_X", Some(("DOT_Y", "producer"))),
                tool("DOT_Y", None)
            ]),
            "no pair",
        ),
        (
            json!([tool("DOT_X", Some((PRODUCER, "verifier")))]),
            VERIFIER,
        ),
        (
            json!([
                tool(PRODUCER, Some((OTHER_PRODUCER, "producer"))),
                tool(OTHER_PRODUCER, Some((PRODUCER, "verifier")))
            ]),
            "pair",
        ),
        (json!([tool(PRODUCER, None)]), VERIFIER),
    ]
}

#[apply(on_each_version)]
async fn a_wrong_entry_refuses_the_whole_import(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (operator, superuser) = (stage.client("operator").await, stage.superuser().await);
    let before = contents(&superuser).await;
    for (wrong, word) in wrong_tools() {
        let mut tools = wrong.clone();
        tools
            .as_array_mut()
            .unwrap()
            .insert(0, tool("DOT_GOOD", None));
        let refusal = refused(&operator, &import(&tools).sql()).await;
        assert_eq!(refusal.code, "tool_invalid", "{wrong}");
        assert!(
            refusal.message.contains(word),
            "{word:?} is not in {:?}",
            refusal.message
        );
        let dry = rows(&operator, &import(&tools).with("p_dry_run", "true").sql()).await;
        assert_eq!(dry[0]["action"], "add");
        assert!(
            dry.iter().any(|row| row["action"] == "refuse"),
            "a dry run reports refusals: {dry:?}"
        );
    }
    contents(&superuser)
        .await
        .assert_same(&before, "a refused import");
}

#[apply(on_each_version)]
async fn import_refuses_anything_but_an_array_of_objects(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let operator = stage.client("operator").await;
    for wrong in [
        "NULL",
        "'{}'",
        "'1'",
        "'null'",
        "'[1]'",
        "'[[]]'",
        "'[null]'",
        "'[\"x\"]'",
    ] {
        assert_eq!(
            code(
                &operator,
                &import(&json!([]))
                    .with("p_tools", format!("{wrong}::jsonb"))
                    .sql()
            )
            .await,
            "tool_invalid",
            "{wrong}"
        );
    }
    assert!(rows(&operator, &import(&json!([])).sql()).await.is_empty());
}

#[apply(on_each_backend)]
async fn dry_run_import_reports_the_same_and_writes_no_row(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (operator, superuser) = (stage.client("operator").await, stage.superuser().await);
    let before = contents(&superuser).await;
    let tools = json!([tool("DOT_NEW", Some(("DOT_NEW_VERIFY", "producer"))), tool("DOT_NEW_VERIFY", Some(("DOT_NEW", "verifier"))), {"dot_code": LONE, "name": "renamed", "tier": "A"}]);
    let planned = rows(&operator, &import(&tools).with("p_dry_run", "true").sql()).await;
    contents(&superuser).await.assert_same(&before, "a dry run");
    let done = rows(&operator, &import(&tools).sql()).await;
    assert_eq!(planned, done);
}

#[apply(on_each_version)]
async fn pairs_can_be_exchanged_in_one_import(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (operator, observer) = (
        stage.client("operator").await,
        stage.client("observer").await,
    );
    let crossed = json!([
        tool(PRODUCER, Some(("DOT_COPY_VERIFY", "producer"))),
        tool("DOT_COPY_VERIFY", Some((PRODUCER, "verifier"))),
        tool(OTHER_PRODUCER, Some((VERIFIER, "producer"))),
        tool(VERIFIER, Some((OTHER_PRODUCER, "verifier"))),
    ]);
    rows(&operator, &import(&crossed).sql()).await;
    let mutual = number(&operator, "SELECT count(*) FROM dot.v_dot_tool a JOIN dot.v_dot_tool b ON b.dot_code = a.paired_dot AND b.paired_dot = a.dot_code AND a.pair_role <> b.pair_role").await;
    assert_eq!(mutual, 4);
    // And roles too.
    let turned = json!([
        tool(PRODUCER, Some(("DOT_COPY_VERIFY", "verifier"))),
        tool("DOT_COPY_VERIFY", Some((PRODUCER, "producer")))
    ]);
    rows(&operator, &import(&turned).sql()).await;
    assert_eq!(code(&observer, &Call::pair().sql()).await, "not_a_producer");
}

#[apply(on_each_version)]
async fn the_table_itself_keeps_pairs_mutual(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let superuser = stage.superuser().await;
    for wrong in [
        "INSERT INTO dot.dot_tools (dot_code, name, tier, paired_dot, pair_role) VALUES ('DOT_X', 'x', 'A', 'DOT_NOWHERE', 'producer')",
        "INSERT INTO dot.dot_tools (dot_code, name, tier, paired_dot, pair_role) VALUES ('DOT_X', 'x', 'A', 'DOT_X', 'producer')",
        "INSERT INTO dot.dot_tools (dot_code, name, tier, paired_dot, pair_role) VALUES ('DOT_X', 'x', 'A', 'DOT_BACKUP_VERIFY', 'producer')",
        "INSERT INTO dot.dot_tools (dot_code, name, tier, paired_dot, pair_role) VALUES ('DOT_X', 'x', 'A', 'DOT_Y', 'producer'), ('DOT_Y', 'y', 'A', 'DOT_X', 'producer')",
        "INSERT INTO dot.dot_tools (dot_code, name, tier, paired_dot) VALUES ('DOT_X', 'x', 'A', 'DOT_BACKUP')",
        "INSERT INTO dot.dot_tools (dot_code, name, tier) VALUES ('DOT:X', 'x', 'A')",
        "INSERT INTO dot.dot_tools (dot_code, name, tier) VALUES ('DOT_X', 'x', 'C')",
        "INSERT INTO dot.dot_tools (dot_code, name, tier, execution_engine) VALUES ('DOT_X', 'x', 'A', 'ssh')",
        "UPDATE dot.dot_tools SET pair_role = 'producer' WHERE dot_code = 'DOT_BACKUP_VERIFY'",
        "UPDATE dot.dot_tools SET paired_dot = NULL, pair_role = NULL WHERE dot_code = 'DOT_BACKUP_VERIFY'",
        "DELETE FROM dot.dot_tools WHERE dot_code = 'DOT_BACKUP'",
    ] {
        assert!(superuser.batch_execute(wrong).await.is_err(), "{wrong}");
    }
    execute(&superuser, "INSERT INTO dot.dot_tools (dot_code, name, tier, paired_dot, pair_role) VALUES ('DOT_X', 'x', 'A', 'DOT_Y', 'producer'), ('DOT_Y', 'y', 'A', 'DOT_X', 'verifier')").await;
}

#[apply(on_each_version)]
async fn concurrent_imports_do_not_break_a_pair(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let clients = stage.clients("operator", 6).await;
    // Three pairs want one another's verifiers.
    let outcomes =
        futures_util::future::join_all(clients.iter().enumerate().map(|(number, client)| {
            let (producer, verifier) = (
                format!("DOT_P{}", number % 3),
                format!("DOT_V{}", number % 2),
            );
            let tools = json!([
                tool(&producer, Some((&verifier, "producer"))),
                tool(&verifier, Some((&producer, "verifier")))
            ]);
            async move { crate::common::ask(client, &import(&tools).sql()).await }
        }))
        .await;
    assert!(outcomes.iter().any(Result::is_ok));
    for error in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
        assert_eq!(crate::common::Refusal::of(error).code, "tool_invalid");
    }
    let broken = number(&clients[0], "SELECT count(*) FROM dot.v_dot_tool a LEFT JOIN dot.v_dot_tool b ON b.dot_code = a.paired_dot AND b.paired_dot = a.dot_code WHERE a.paired_dot IS NOT NULL AND b.dot_code IS NULL").await;
    assert_eq!(broken, 0);
}

#[apply(on_each_backend)]
async fn a_candidate_is_registered_and_changed(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let operator = stage.client("operator").await;
    let set = Call::new("fn_process_candidate_set")
        .text("p_process_candidate_code", "C")
        .text("p_title", "title")
        .text("p_owner", "ann")
        .text("p_actor", "operator");
    assert_eq!(text(&operator, &set.sql()).await, "C");
    let stored = row(
        &operator,
        "SELECT process_candidate_code, title, owner FROM dot.v_process_candidate",
    )
    .await;
    assert_eq!(
        stored,
        json!({"process_candidate_code": "C", "title": "title", "owner": "ann"})
    );
    // What is not named stays, so that setting an owner does not take the title away.
    for (owner, title, expected) in [
        ("NULL", "NULL", json!({"title": "title", "owner": "ann"})),
        ("'bob'", "NULL", json!({"title": "title", "owner": "bob"})),
        ("NULL", "'other'", json!({"title": "other", "owner": "bob"})),
        ("' '", "''", json!({"title": "", "owner": null})),
    ] {
        let change = set.clone().with("p_owner", owner).with("p_title", title);
        rows(&operator, &change.sql()).await;
        let stored = row(
            &operator,
            "SELECT title, owner FROM dot.v_process_candidate",
        )
        .await;
        assert_eq!(stored, expected, "{owner}, {title}");
    }
}

#[apply(on_each_version)]
async fn registry_change_records_actor_and_login(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let operator = stage.client("operator").await;
    let before = number(&operator, "SELECT count(*) FROM dot.v_dot_registry_history").await;
    let candidate = Call::new("fn_process_candidate_set")
        .text("p_process_candidate_code", "C")
        .text("p_title", "title")
        .text("p_owner", "ann")
        .text("p_actor", "olga");
    let check = Call::new("fn_dot_preflight_check_set")
        .text("p_check_name", "c")
        .text("p_count_query", "dot.fn_dot_check_malformed_gates")
        .with("p_enabled", "false")
        .text("p_actor", "olga");
    let contract = contract(|_| ()).text("p_actor", "olga");
    for call in [candidate, check, contract] {
        rows(&operator, &call.sql()).await;
    }
    let history = rows(
        &operator,
        &format!(
            "SELECT kind, key, actor, recorded_by = session_user AS is_me, coalesce(entry ->> 'owner', entry ->> 'enabled', entry ->> 'mode') AS what
             FROM dot.v_dot_registry_history ORDER BY change_id OFFSET {before}"
        ),
    )
    .await;
    let change = |kind: &str, key: &str, what: &str| json!({"kind": kind, "key": key, "actor": "olga", "is_me": true, "what": what});
    assert_eq!(
        history,
        [
            change("candidate", "C", "ann"),
            change("check", "c", "false"),
            change("contract", &format!("{PRODUCER} DRY_RUN"), "DRY_RUN"),
        ]
    );
}

fn contract(change: impl FnOnce(&mut Value)) -> Call {
    let mut contract = json!({"dot_code": PRODUCER, "mode": "DRY_RUN", "endpoint_ref": "command:backup --dry-run", "no_mutation_assertion": true, "output_namespace": "DRYRUN-NS:x"});
    change(&mut contract);
    Call::new("fn_dot_contract_set")
        .with(
            "p_contract",
            format!("{}::jsonb", literal(&contract.to_string())),
        )
        .text("p_actor", "operator")
}

#[apply(on_each_backend)]
async fn a_contract_is_set_and_changed(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let operator = stage.client("operator").await;
    for mode in ["PLAN_ONLY", "VERIFY_ONLY", "DRY_RUN", "REAL_RUN"] {
        rows(
            &operator,
            &contract(|contract| contract["mode"] = json!(mode)).sql(),
        )
        .await;
    }
    rows(
        &operator,
        &contract(|contract| {
            contract["timeout_ms"] = json!(5);
            contract["invocation"] = json!({"argv": ["a", "b"]});
            contract["candidate_code"] = json!("C");
            contract["contract_status"] = json!("draft");
            contract["verifier_schema"] = json!({"type": "object"});
        })
        .sql(),
    )
    .await;
    let stored = row(&operator, "SELECT to_jsonb(c) - 'created_at' AS contract FROM dot.v_dot_contract c WHERE mode = 'DRY_RUN'").await;
    assert_eq!(
        stored["contract"],
        json!({"dot_code": PRODUCER, "mode": "DRY_RUN", "candidate_code": "C", "operation": "", "role": "producer", "fixture_ref": null, "output_namespace": "DRYRUN-NS:x",
               "no_mutation_assertion": true, "endpoint_ref": "command:backup --dry-run", "invocation": {"argv": ["a", "b"]}, "expected_output_schema": null,
               "verifier_schema": {"type": "object"}, "timeout_ms": 5, "contract_status": "draft"})
    );
    assert_eq!(
        number(&operator, "SELECT count(*) FROM dot.v_dot_contract").await,
        4
    );
}

#[apply(on_each_version)]
async fn a_contract_that_breaks_a_rule_is_refused(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (operator, superuser) = (stage.client("operator").await, stage.superuser().await);
    let before = contents(&superuser).await;
    let wrong: [(&str, Value, &str); 27] = [
        ("dot_code", json!("DOT_NOWHERE"), "unknown_dot"),
        ("dot_code", Value::Null, "unknown_dot"),
        ("dot_code", json!(LONE), "pair_incomplete"),
        ("mode", json!("dry_run"), "mode_invalid"),
        ("mode", Value::Null, "mode_invalid"),
        ("role", json!("verifier"), "role_invalid"),
        ("role", json!("referee"), "role_invalid"),
        ("output_namespace", json!("PROD:x"), "namespace_forbidden"),
        (
            "output_namespace",
            json!("dryrun-ns:x"),
            "namespace_forbidden",
        ),
        (
            "output_namespace",
            json!(" DRYRUN-NS:x"),
            "namespace_forbidden",
        ),
        ("output_namespace", Value::Null, "namespace_forbidden"),
        ("no_mutation_assertion", json!(false), "namespace_forbidden"),
        ("no_mutation_assertion", Value::Null, "namespace_forbidden"),
        ("endpoint_ref", Value::Null, "endpoint_missing"),
        ("endpoint_ref", json!(""), "endpoint_missing"),
        ("endpoint_ref", json!("http://plain"), "endpoint_missing"),
        ("endpoint_ref", json!("command:"), "endpoint_missing"),
        ("endpoint_ref", json!("Command:x"), "endpoint_missing"),
        ("fixture_ref", json!("nowhere"), "fixture_missing"),
        ("invocation", json!([]), "contract_invalid"),
        ("invocation", Value::Null, "contract_invalid"),
        ("timeout_ms", json!(0), "contract_invalid"),
        ("timeout_ms", json!("soon"), "contract_invalid"),
        ("timeout_ms", json!(99_999_999_999_i64), "contract_invalid"),
        ("contract_status", json!("maybe"), "contract_invalid"),
        (
            "no_mutation_assertion",
            json!("perhaps"),
            "contract_invalid",
        ),
        ("surprise", json!(1), "contract_invalid"),
    ];
    for (key, value, expected) in wrong {
        let refusal = code(
            &operator,
            &contract(|contract| contract[key] = value.clone()).sql(),
        )
        .await;
        assert_eq!(refusal, expected, "{key} = {value}");
    }
    for wrong in ["NULL", "'[]'::jsonb", "'null'::jsonb", "'1'::jsonb"] {
        assert_eq!(
            code(&operator, &contract(|_| ()).with("p_contract", wrong).sql()).await,
            "contract_invalid",
            "{wrong}"
        );
    }
    contents(&superuser)
        .await
        .assert_same(&before, "a refused contract");
}

#[apply(on_each_version)]
async fn contract_table_check_forbids_mutating_dry_mode(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let superuser = stage.superuser().await;
    for mode in ["PLAN_ONLY", "VERIFY_ONLY", "DRY_RUN"] {
        for (asserted, namespace) in [
            ("false", "'DRYRUN-NS:x'"),
            ("true", "'PROD'"),
            ("true", "NULL"),
        ] {
            let insert = format!(
                "INSERT INTO dot.dot_agent_api_contract (dot_code, mode, role, no_mutation_assertion, output_namespace, endpoint_ref) VALUES ('{PRODUCER}', '{mode}', 'producer', {asserted}, {namespace}, 'mcp:x')"
            );
            assert!(superuser.batch_execute(&insert).await.is_err(), "{insert}");
        }
    }
    for mode in ["DRY_RUN", "REAL_RUN"] {
        for endpoint in ["NULL", "''", "'x'"] {
            let insert = format!(
                "INSERT INTO dot.dot_agent_api_contract (dot_code, mode, role, no_mutation_assertion, output_namespace, endpoint_ref) VALUES ('{PRODUCER}', '{mode}', 'producer', true, 'DRYRUN-NS:x', {endpoint})"
            );
            assert!(superuser.batch_execute(&insert).await.is_err(), "{insert}");
        }
    }
}

fn fixture(reference: &str, body: &str) -> Call {
    Call::new("fn_dot_fixture_put")
        .text("p_fixture_ref", reference)
        .text("p_body", body)
        .with(
            "p_sha256",
            format!(
                "encode(sha256(convert_to({}, 'UTF8')), 'hex')",
                literal(body)
            ),
        )
        .text("p_actor", "operator")
}

#[apply(on_each_backend)]
async fn a_fixture_is_kept_with_the_digest_of_its_text(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let operator = stage.client("operator").await;
    let body = "{\"b\": 1,   \"a\": \"ß\\u00e9\"}\n";
    assert_eq!(text(&operator, &fixture("f", body).sql()).await, "f");
    let stored = row(&operator, &format!("SELECT body, sha256 = encode(sha256(convert_to({}, 'UTF8')), 'hex') AS same FROM dot.v_dot_fixture", literal(body))).await;
    assert_eq!(stored, json!({"body": {"a": "ßé", "b": 1}, "same": true}));
    rows(
        &operator,
        &contract(|contract| contract["fixture_ref"] = json!("f")).sql(),
    )
    .await;
    let status = text(&operator, &format!("SELECT fixture_status FROM dot.v_process_dot_wrapper_status WHERE dot_code = '{PRODUCER}'")).await;
    assert_eq!(status, "present");
}

#[apply(on_each_version)]
async fn fixture_with_a_wrong_digest_is_refused(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (operator, superuser) = (stage.client("operator").await, stage.superuser().await);
    let before = contents(&superuser).await;
    for wrong in [
        "NULL".to_owned(),
        "''".into(),
        literal(&"0".repeat(64)),
        "upper(encode(sha256(convert_to('{}', 'UTF8')), 'hex'))".into(),
    ] {
        assert_eq!(
            code(
                &operator,
                &fixture("f", "{}").with("p_sha256", wrong.clone()).sql()
            )
            .await,
            "fixture_digest_mismatch",
            "{wrong}"
        );
    }
    for (reference, body) in [("", "{}"), ("f", ""), ("f", " ")] {
        assert_eq!(
            code(&operator, &fixture(reference, body).sql()).await,
            "fixture_missing"
        );
    }
    for no_json in ["{", "{'a': 1}", "\"\\u0000\"", "nonsense"] {
        assert_eq!(
            code(&operator, &fixture("f", no_json).sql()).await,
            "contract_invalid",
            "{no_json}"
        );
    }
    contents(&superuser)
        .await
        .assert_same(&before, "a refused fixture");
}

#[apply(on_each_version)]
async fn a_check_is_a_function_that_is_there_and_counts(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (operator, superuser) = (stage.client("operator").await, stage.superuser().await);
    execute(
        &superuser,
        "CREATE SCHEMA checks; GRANT USAGE ON SCHEMA checks TO PUBLIC;
         CREATE FUNCTION checks.counts() RETURNS bigint LANGUAGE sql AS 'SELECT 0::bigint';
         CREATE FUNCTION checks.of_integer() RETURNS integer LANGUAGE sql AS 'SELECT 0';
         CREATE FUNCTION checks.of_set() RETURNS SETOF bigint LANGUAGE sql AS 'SELECT 0::bigint';
         CREATE FUNCTION checks.with_argument(p integer) RETURNS bigint LANGUAGE sql AS 'SELECT 0::bigint';
         CREATE FUNCTION checks.\"Quoted \"\"name\"() RETURNS bigint LANGUAGE sql AS 'SELECT 0::bigint';",
    )
    .await;
    let check = Call::new("fn_dot_preflight_check_set")
        .text("p_check_name", "mine")
        .text("p_count_query", "checks.counts")
        .text("p_actor", "operator");
    let before = contents(&superuser).await;
    let wrong = [
        check.clone().text("p_check_name", ""),
        check.clone().with("p_count_query", "NULL"),
        check.clone().text("p_count_query", ""),
        check.clone().text("p_count_query", "checks.nowhere"),
        check.clone().text("p_count_query", "nowhere.counts"),
        check
            .clone()
            .text("p_count_query", "fn_dot_check_malformed_gates"),
        check.clone().text("p_count_query", "checks.of_integer"),
        check.clone().text("p_count_query", "checks.of_set"),
        check.clone().text("p_count_query", "checks.with_argument"),
        check.clone().text("p_severity", "urgent"),
        check.clone().with("p_severity", "NULL"),
        check.clone().text("p_on_finding", "IGNORE"),
        check.clone().with("p_on_finding", "NULL"),
        check.clone().text("p_max_age", "-1 second"),
        check
            .clone()
            .text("p_max_age", "-71000000 months 2130000001 days"),
        check.clone().with("p_max_age", "NULL"),
    ];
    for call in wrong {
        assert_eq!(
            code(&operator, &call.sql()).await,
            "check_invalid",
            "{}",
            call.sql()
        );
    }
    for hostile in [
        "checks.counts(); DROP SCHEMA checks CASCADE; --",
        "checks.counts() --",
        "(SELECT 1)",
        "checks.counts\u{0}",
    ] {
        assert!(
            crate::common::ask(
                &operator,
                &check.clone().text("p_count_query", hostile).sql()
            )
            .await
            .is_err(),
            "{hostile:?}"
        );
    }
    contents(&superuser)
        .await
        .assert_same(&before, "a refused check");
    assert_eq!(
        text(
            &operator,
            &check
                .clone()
                .text("p_count_query", "checks.\"Quoted \"\"name\"")
                .sql()
        )
        .await,
        "mine"
    );
    assert_eq!(
        text(
            &operator,
            "SELECT status FROM dot.fn_dot_preflight() WHERE check_name = 'mine'"
        )
        .await,
        "PASS"
    );
    rows(&operator, &check.with("p_enabled", "false").sql()).await;
    assert!(
        rows(
            &operator,
            "SELECT 1 FROM dot.fn_dot_preflight() WHERE check_name = 'mine'"
        )
        .await
        .is_empty()
    );
}
