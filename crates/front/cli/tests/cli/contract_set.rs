//! `contract set`, and what it and `tools import` refuse of an `invocation`.

use serde_json::{Value, json};

use crate::support::{Answer, Installation};

fn tool(code: &str, tier: &str, pair: &str, role: &str) -> String {
    format!(
        "[[tool]]\ndot_code = '{code}'\nname = '{code}'\ntier = '{tier}'\npaired_dot = '{pair}'\npair_role = '{role}'\n\
         execution_engine = 'command'\n"
    )
}

fn contract(code: &str, program: &str, more: &str) -> String {
    format!(
        "[[contract]]\ndot_code = '{code}'\nmode = 'REAL_RUN'\nendpoint_ref = 'command:{program}'\n\
         [contract.invocation]\nargv = ['x']\n{more}\n"
    )
}

fn pair() -> String {
    tool("DOT_COPY", "B", "DOT_COPY_CHECK", "producer")
        + &tool("DOT_COPY_CHECK", "A", "DOT_COPY", "verifier")
}

/// With a pair that has no contract.
fn with_pair() -> Installation {
    let installation = Installation::as_shipped();
    installation.desk.file("pair.toml", &pair());
    installation
        .call(&["tools", "import", "pair.toml"])
        .expect(0);
    installation
}

fn set(installation: &Installation, text: &str, words: &[&str]) -> Answer {
    installation.desk.file("contract.toml", text);
    let set = [
        "contract",
        "set",
        "contract.toml",
        "--output",
        "json",
        "--reason",
        "a test",
    ];
    installation.call(&[&set[..], words].concat())
}

fn bound(installation: &Installation) -> Vec<String> {
    let listed = installation.call(&["contract", "ls", "--output", "json", "-q"]);
    let listed = listed.expect(0).json();
    let codes = listed.as_array().unwrap().iter();
    codes
        .map(|contract| contract["dot_code"].as_str().unwrap().to_owned())
        .collect()
}

/// They would only be found when a run has begun, or never.
#[test]
fn a_contract_that_no_run_can_use_is_refused() {
    let installation = with_pair();
    for more in [
        "paths = { write = ['relative'] }",
        "stdin = ''",
        "success_exit = [256]",
        "success_exit = []",
        "limits = { processes = 0 }",
    ] {
        let text = contract("DOT_COPY", "true", more);
        let refused = set(&installation, &text, &["-q"]).failure();
        let key = more.split(' ').next().unwrap();
        let message = refused["message"].as_str().unwrap();
        assert!(message.contains(key), "{message}");
    }
    assert_eq!(bound(&installation), Vec::<String>::new());
}

#[test]
fn contract_that_this_machine_can_not_run_is_set_by_force_alone() {
    let installation = with_pair();
    let text = contract("DOT_COPY_CHECK", "cmp", "")
        + &contract("DOT_COPY", "no-such-program-anywhere", "");
    let refused = set(&installation, &text, &["-q"]).expect(3).failure();
    assert_eq!(refused["code"], "program_missing");
    assert!(refused["hint"].as_str().unwrap().contains("--force"));
    let entry = &refused["detail"]["refused"][0];
    assert_eq!(entry["name"], "DOT_COPY REAL_RUN");
    assert_eq!(entry["place"], "contract.toml:8");
    assert_eq!(bound(&installation), [""; 0], "all or nothing");

    let forced = set(&installation, &text, &["--force"]).expect(0);
    assert!(
        forced
            .messages
            .contains("DOT_COPY REAL_RUN cannot be run here: program_missing"),
        "{}",
        forced.messages
    );
    assert_eq!(bound(&installation), ["DOT_COPY", "DOT_COPY_CHECK"]);

    // What is not called is not looked at.
    let draft = text.replace("mode =", "contract_status = 'draft'\nmode =");
    set(&installation, &draft, &[]).expect(0);
}

#[test]
fn tool_of_an_engine_that_nothing_calls_is_refused() {
    let installation = Installation::as_shipped();
    let none = pair().replace("'command'", "'none'");
    installation.desk.file("pair.toml", &none);
    installation
        .call(&["tools", "import", "pair.toml"])
        .expect(0);
    let refused = set(&installation, &contract("DOT_COPY", "cp", ""), &["-q"]);
    assert_eq!(refused.expect(3).failure()["code"], "engine_missing");
}

#[test]
fn sandbox_that_a_contract_requires_and_a_program_that_is_there_are_no_reason_to_refuse() {
    let installation = with_pair();
    let text = contract("DOT_COPY", "cp", "require_sandbox = true");
    set(&installation, &text, &[]).expect(0);
}

#[test]
fn key_of_an_invocation_that_nobody_knows_is_refused_by_set_and_by_import() {
    let installation = with_pair();
    for more in [
        "speed = 1",
        "limits = { output = 1 }",
        "paths = { wirte = [] }",
    ] {
        let text = contract("DOT_COPY", "cp", more);
        installation.desk.file("catalogue.toml", &text);
        let import = [
            "tools",
            "import",
            "catalogue.toml",
            "--output",
            "json",
            "-q",
        ];
        for refused in [
            installation.call(&import),
            installation.call(&[&import[..], &["--dry-run"]].concat()),
            set(&installation, &text, &["-q"]),
        ] {
            let failure = refused.expect(2).failure();
            assert_eq!(failure["code"], "invocation_invalid", "{more}");
            let entry = &failure["detail"]["refused"][0];
            let reason = entry["reason"].as_str().unwrap();
            let key = more
                .split(['=', '{'])
                .map(str::trim)
                .find(|key| ["speed", "output", "wirte"].contains(key));
            assert!(reason.contains(key.unwrap()), "{reason}");
        }
        assert_eq!(bound(&installation), [""; 0]);
    }
    let forced = set(
        &installation,
        &contract("DOT_COPY", "cp", "speed = 1"),
        &["--force"],
    );
    assert!(forced.messages.contains("invocation_invalid"));
    assert_eq!(bound(&installation), ["DOT_COPY"]);
    forced.expect(0);
}

#[test]
fn import_looks_at_invocations_of_every_engine_and_not_at_this_machine() {
    let installation = Installation::as_shipped();
    let catalogue = |engine: &str, endpoint: &str, invocation: &str| {
        pair().replace("'command'", &format!("'{engine}'"))
            + &format!(
                "[[contract]]\ndot_code = 'DOT_COPY'\nmode = 'REAL_RUN'\nendpoint_ref = '{endpoint}'\n\
                 invocation = {{ {invocation} }}\n"
            )
    };
    let import = |text: &str| {
        installation.desk.file("catalogue.toml", text);
        let words = ["tools", "import", "catalogue.toml", "--dry-run", "-q"];
        installation.call(&[&words[..], &["--output", "json"]].concat())
    };
    for (engine, endpoint, invocation) in [
        ("command", "command:no-such-program", "argv = ['x']"),
        (
            "agent_api",
            "https://agents.example/x",
            "token_environment = 'NO_SUCH_TOKEN'",
        ),
        (
            "mcp",
            "mcp:https://tools.example/x",
            "tool = 'x', token_environment = 'NO_SUCH_TOKEN'",
        ),
        ("mcp", "mcp:no-such-program", "tool = 'x', argv = ['x']"),
    ] {
        import(&catalogue(engine, endpoint, invocation)).expect(0);
        let unknown = format!("{invocation}, speed = 1");
        let refused = import(&catalogue(engine, endpoint, &unknown)).expect(2);
        assert_eq!(refused.failure()["code"], "invocation_invalid", "{engine}");
    }
    // Nothing here calls it: what its contract means is another program's to say.
    import(&catalogue("none", "command:x", "speed = 1")).expect(0);
}

#[test]
fn set_takes_the_contracts_of_a_catalogue_and_leaves_the_rest_alone() {
    let installation = with_pair();
    let text = pair().replace("name = '", "name = 'other ")
        + "[[candidate]]\ncode = 'PROC-CAND:copies'\n"
        + "[[fixture]]\nfixture_ref = 'f'\nbody = 1\n"
        + &contract("DOT_COPY", "cp", "");
    let answer = set(&installation, &text, &[]).expect(0);
    assert!(
        answer
            .messages
            .contains("only the contracts of contract.toml are set"),
        "{}",
        answer.messages
    );
    assert_eq!(bound(&installation), ["DOT_COPY"]);
    for what in ["candidates", "fixture"] {
        let listed = installation.call(&[what, "ls", "--output", "json", "-q"]);
        assert_eq!(listed.json(), json!([]), "{what}");
    }
    let shown = installation.call(&["tools", "show", "DOT_COPY", "--output", "json"]);
    assert_eq!(shown.json()["tool"]["name"], "DOT_COPY");

    installation.desk.file(
        "contract.json",
        &json!({"contract": [contract_json()]}).to_string(),
    );
    let json = installation.call(&["contract", "set", "contract.json", "--reason", "a test"]);
    assert!(json.expect(0).messages.contains("set DOT_COPY_CHECK"));
}

fn contract_json() -> Value {
    json!({"dot_code": "DOT_COPY_CHECK", "mode": "REAL_RUN", "endpoint_ref": "command:cmp",
           "invocation": {"argv": ["cmp"]}})
}

#[test]
fn contracts_that_change_nothing_are_not_in_the_history_again() {
    let installation = with_pair();
    let text = contract("DOT_COPY", "cp", "");
    set(&installation, &text, &[]).expect(0);
    let answer = set(&installation, &text, &[]).expect(0);
    assert!(answer.messages.contains("kept DOT_COPY REAL_RUN"));
    installation.sql(
        "DO $$ BEGIN ASSERT (SELECT count(*) = 1 FROM dot.dot_registry_history WHERE kind = 'contract'); END; $$",
    );
}

#[test]
fn import_warns_of_a_candidate_that_is_not_registered() {
    let installation = Installation::as_shipped();
    let text = pair().replacen(
        "execution_engine",
        "extra_metadata = { process_candidate_code = 'PROC-CAND:copies' }\nexecution_engine",
        1,
    );
    installation.desk.file("catalogue.toml", &text);
    let import = ["tools", "import", "catalogue.toml", "--output", "json"];
    let warned = "its candidate PROC-CAND:copies is not registered";
    for words in [&["--dry-run"][..], &[], &[]] {
        let answer = installation.call(&[&import[..], words].concat()).expect(0);
        assert!(answer.messages.contains(warned), "{}", answer.messages);
        let warning = answer.json()[0]["warning"].as_str().unwrap().to_owned();
        assert!(warning.contains(warned), "{warning}");
    }
    let registered = text + "[[candidate]]\ncode = 'PROC-CAND:copies'\n";
    installation.desk.file("catalogue.toml", &registered);
    let answer = installation.call(&import).expect(0);
    assert!(!answer.messages.contains(warned), "{}", answer.messages);
}

/// Before, tools, candidates and fixtures that stand before it stayed.
#[test]
fn contract_that_the_database_refuses_leaves_nothing_of_its_catalogue() {
    let installation = Installation::as_shipped();
    let text = pair()
        + "[[candidate]]\ncode = 'PROC-CAND:copies'\n[[fixture]]\nfixture_ref = 'f'\nbody = 1\n"
        + &contract("DOT_COPY", "cp", "").replace("mode =", "operation = '\\u0007'\nmode =");
    let text = text.replace("'\\u0007'", "\"\\u0007\"");
    installation.desk.file("catalogue.toml", &text);
    let import = [
        "tools",
        "import",
        "catalogue.toml",
        "--output",
        "json",
        "-q",
    ];
    let refused = installation.call(&import).expect(2).failure();
    assert_eq!(refused["code"], "text_invalid", "{refused}");
    let entry = &refused["detail"]["refused"][0];
    assert_eq!(entry["place"], "catalogue.toml:20", "{refused}");
    for what in ["tools", "candidates", "fixture", "contract"] {
        let listed = installation.call(&[what, "ls", "--output", "json", "-q"]);
        assert_eq!(listed.json(), json!([]), "{what}");
    }
}

#[test]
fn changed_contract_shows_its_difference_and_needs_a_reason() {
    let installation = with_pair();
    let set = |text: &str, words: &[&str]| {
        installation.desk.file("contract.toml", text);
        let set = [
            "contract",
            "set",
            "contract.toml",
            "-q",
            "--force",
            "--output",
            "json",
        ];
        installation.call(&[&set[..], words].concat())
    };
    let first = contract("DOT_COPY", "cp", "variables = { TOKEN = 'first secret' }");
    set(&first, &[]).expect(0);
    set(&first, &[]).expect(0);
    let other = first.replace("first secret", "other secret").replace(
        "[contract.invocation]",
        "timeout_ms = 1000\n[contract.invocation]",
    );
    let refused = set(&other, &[]).expect(2).failure();
    assert_eq!(refused["code"], "reason_required");
    let words = [
        "contract",
        "set",
        "contract.toml",
        "--force",
        "--reason",
        "it is faster",
    ];
    let said = installation.call(&words).expect(0).messages;
    assert!(
        said.contains("DOT_COPY REAL_RUN: timeout_ms: 60000 → 1000"),
        "{said}"
    );
    assert!(
        said.contains("invocation.variables.TOKEN: changed"),
        "{said}"
    );
    assert!(!said.contains("secret"), "{said}");
}
