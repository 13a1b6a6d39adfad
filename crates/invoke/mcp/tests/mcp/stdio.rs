//! What holds for servers that are processes.

use std::{
    fs::{self, File},
    path::Path,
    time::Duration,
};

use dotwrap_invoke::{Digest, Invoker, StopHandle, StopReason};
use serde_json::json;
use tokio::time::timeout;

use crate::world::{
    Case, Server, assert_completed, assert_tool_not_called, failure, output, runs, stopped,
    until_it_says,
};

fn with_arguments(tool: &str, argv: &[&str]) -> (Server, Case) {
    let server = Server::stdio();
    let mut case = server.case(tool);
    case.call.contract.invocation["argv"] = json!(argv);
    (server, case)
}

#[tokio::test]
async fn nothing_of_the_runner_s_environment_gets_in_but_what_is_named() {
    let server = Server::stdio();
    let mut case = server.case("environment");
    let invocation = &mut case.call.contract.invocation;
    invocation["environment"] = json!(["CARGO_PKG_NAME", "NO_SUCH_VARIABLE_ANYWHERE"]);
    invocation["variables"] = json!({"KG": "{input}"});
    invocation["argv"] = json!(["mcp-probe", "--one", "{input}"]);
    let answer = case.run(&server).await;
    assert_completed(&answer);
    let said = output(&answer);
    let variables = &said["variables"];
    assert_eq!(variables["CARGO_PKG_NAME"], env!("CARGO_PKG_NAME"));
    assert_eq!(variables["KG"], "the input");
    assert_eq!(variables["DOT_CODE"], "DOT_PROBE");
    assert!(variables.get("CARGO_MANIFEST_DIR").is_none(), "{variables}");
    assert_eq!(said["arguments"], json!(["--one", "the input"]));
    assert_eq!(
        answer.evidence["environment_missing"],
        json!(["NO_SUCH_VARIABLE_ANYWHERE"])
    );
    assert_eq!(
        answer.evidence["warnings"][0]["code"],
        "environment_missing"
    );
}

#[tokio::test]
async fn evidence_names_the_arguments_and_the_program() {
    let (server, case) = with_arguments("explain", &["mcp-probe", "--one"]);
    let answer = case.run(&server).await;
    assert_completed(&answer);
    assert_eq!(answer.evidence["argv"], json!(["mcp-probe", "--one"]));
    let program = fs::read(answer.evidence["program"].as_str().unwrap()).unwrap();
    assert_eq!(
        answer.evidence["program_sha256"],
        json!(Digest::of(program).to_hex())
    );
}

#[tokio::test]
async fn an_input_can_not_become_an_option() {
    let (server, mut case) = with_arguments("explain", &["{input}"]);
    case.call.input_ref = Some("--modern".to_owned());
    let answer = case.run(&server).await;
    assert_eq!(failure(&answer).code, "input_looks_like_option");
}

#[tokio::test]
async fn its_standard_error_is_kept_in_a_file_and_nowhere_else() {
    let server = Server::stdio();
    let case = server.case("explain");
    let answer = case.run(&server).await;
    assert!(case.read("stderr").contains("the secret of this server"));
    assert!(!format!("{answer:?}").contains("the secret"));
}

#[tokio::test]
async fn a_server_that_dies_during_the_call_leaves_nobody_knowing() {
    let server = Server::stdio();
    let answer = server.call("die").await;
    let failure = failure(&answer);
    assert_eq!(
        (failure.code, failure.outcome_unknown),
        ("connection_lost", true)
    );
    assert_eq!(answer.evidence["signal"], 6);
    assert_eq!(answer.evidence["called"], true);
}

#[tokio::test]
async fn a_server_that_is_killed_during_the_call_leaves_nobody_knowing() {
    let server = Server::stdio();
    let case = server.case("hang");
    let killing = async {
        let server = loop {
            if let Some(process) = started_in(&case).first() {
                break *process;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        until_it_says(&case, "called").await;
        kill(server);
    };
    let (answer, ()) = tokio::join!(case.run(&server), killing);
    let failure = failure(&answer);
    assert_eq!(
        (failure.code, failure.outcome_unknown),
        ("connection_lost", true)
    );
    assert_eq!(answer.evidence["signal"], 9);
}

/// The processes whose working folder is the call's.
fn started_in(case: &Case) -> Vec<u32> {
    let work = case.call.folder.join("work");
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter_map(|process| process.file_name().to_str()?.parse().ok())
        .filter(|process: &u32| {
            fs::read_link(format!("/proc/{process}/cwd")).is_ok_and(|folder| folder == work)
        })
        .collect()
}

fn kill(process: u32) {
    let killed = std::process::Command::new("kill")
        .args(["-9", &process.to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
}

#[tokio::test]
async fn a_server_that_never_speaks_is_ended_and_its_tool_was_not_called() {
    let (server, case) = with_arguments("explain", &["--silent"]);
    let case = case.within(1_500);
    let answer = case.run(&server).await;
    assert_eq!(failure(&answer).code, "deadline");
    assert_tool_not_called(&server, &answer);
    assert_eq!(started_in(&case), Vec::<u32>::new());
}

#[tokio::test]
async fn stdout_without_messages_is_killed() {
    let (server, case) = with_arguments("explain", &["--babble"]);
    let answer = case.run(&server).await;
    assert_eq!(failure(&answer).code, "response_too_large");
    assert_eq!(started_in(&case), Vec::<u32>::new());
}

#[tokio::test]
async fn a_server_that_ends_at_once_is_no_server() {
    let (server, case) = with_arguments("explain", &["--mute"]);
    let answer = case.run(&server).await;
    assert_eq!(failure(&answer).code, "server_unavailable");
    assert_eq!(answer.evidence["exit_status"], 0);
}

/// It reads what it is sent, so that only its end tells that it is no server.
const WRITES_AND_ENDS: &str = r#"echo 'left before the handshake' > "$1"; read -r line; exit 3"#;

#[tokio::test]
async fn a_program_that_ends_before_the_handshake_ran_and_nobody_knows_what_it_did() {
    let server = Server::stdio();
    let elsewhere = tempfile::tempdir().unwrap();
    let path = elsewhere.path().join("file");
    let mut case = server.case("explain").for_real();
    case.call.contract.endpoint_ref = Some("mcp:sh".to_owned());
    case.call.contract.invocation["argv"] = json!(["sh", "-c", WRITES_AND_ENDS, "sh", path]);
    let answer = case.run(&server).await;
    assert!(path.exists());
    let failure = failure(&answer);
    assert_eq!(failure.code, "server_unavailable");
    assert!(failure.message.contains("not known"), "{failure:?}");
    assert_eq!(answer.evidence["exit_status"], 3);
    assert_tool_not_called(&server, &answer);
}

#[tokio::test]
async fn a_program_that_was_not_started_has_done_nothing() {
    let server = Server::stdio();
    let mut case = server.case("explain");
    case.call.contract.endpoint_ref = Some("mcp:no-such-program-anywhere".to_owned());
    let answer = case.run(&server).await;
    assert!(!failure(&answer).outcome_unknown, "{answer:?}");
    assert!(!answer.called, "the runner goes by this");
    assert_eq!(answer.evidence["called"], false);
}

#[tokio::test]
async fn no_process_is_left_behind() {
    let server = Server::stdio();
    let case = server.case("daemon");
    let answer = case.run(&server).await;
    assert_completed(&answer);
    let daemon = output(&answer)["process"].as_u64().unwrap();
    assert!(!runs(daemon));
    assert_eq!(started_in(&case), Vec::<u32>::new());
}

#[tokio::test]
async fn a_stop_during_the_handshake_ends_the_server_and_says_that_it_ran() {
    let (server, case) = with_arguments("explain", &["--silent"]);
    let (handle, stop) = StopHandle::new();
    let calling = server.invoker.invoke(&case.call, stop);
    let stopping = async {
        while started_in(&case).is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        handle.stop(StopReason::Interrupted);
    };
    let (answer, ()) = tokio::join!(calling, stopping);
    let may_have_happened = &stopped(&answer).possible_effects;
    assert!(
        may_have_happened[0].contains("the tool was not called"),
        "{may_have_happened:?}"
    );
    assert!(!answer.called, "the runner goes by this");
    assert_eq!(answer.evidence["program_started"], true);
    assert_eq!(started_in(&case), Vec::<u32>::new());
}

#[tokio::test]
async fn an_output_that_the_tool_is_asked_for_is_the_output() {
    let server = Server::stdio();
    let digest = Digest::of("left by the tool");
    let arguments = json!({"path": "{output}", "output_digest": digest});
    let case = server.case_with("leave", arguments);
    let answer = case.run(&server).await;
    assert_completed(&answer);
    let kept = answer.output.unwrap();
    assert_eq!(
        (kept.path, kept.digest),
        (case.call.folder.join("output"), digest)
    );
    let search = &answer.evidence["is_mock_search"]["output"];
    assert_eq!(
        (&search["searched"], &search["complete"]),
        (&json!("nothing"), &json!(true))
    );

    let arguments = json!({"path": "{output}", "output_digest": Digest::of("else")});
    let answer = server.case_with("leave", arguments).run(&server).await;
    assert_eq!(failure(&answer).code, "digest_mismatch");

    let arguments = json!({"path": "{folder}/elsewhere", "meant": "{output}"});
    let answer = server.case_with("leave", arguments).run(&server).await;
    assert_eq!(failure(&answer).code, "output_missing");
}

/// Longer than anybody could wait for: it has no content, and reading it is work all the same.
fn endless_file(path: &Path, bytes: u64) -> File {
    let file = File::create(path).unwrap();
    file.set_len(bytes).unwrap();
    file
}

/// A tool that leaves what lies elsewhere already: it is moved while the tool runs.
fn by_hand_moving(server: &Server, from: &Path) -> Case {
    let mut case = server.case("explain").for_real();
    case.call.contract.endpoint_ref = Some("mcp:sh".to_owned());
    let moving = r#"*\"tools/call\"*) mv "$1" "$2"; "#;
    let script = BY_HAND.replace(r#"*\"tools/call\"*) "#, moving);
    assert_ne!(script, BY_HAND);
    let script = script.replace('{', "{{").replace('}', "}}");
    case.call.contract.invocation["argv"] = json!(["sh", "-c", script, "sh", from, "{output}"]);
    case
}

/// More than any test takes; far less than the digests of the files below.
const WAIT_LIMIT: Duration = Duration::from_secs(60);

#[tokio::test]
async fn an_output_that_is_too_large_is_refused_before_it_is_read() {
    let server = Server::stdio();
    let elsewhere = tempfile::tempdir().unwrap();
    let folder = elsewhere.path().join("folder");
    fs::create_dir(&folder).unwrap();
    for name in ["a", "b"] {
        endless_file(&folder.join(name), 1 << 40);
    }
    let case = by_hand_moving(&server, &folder);
    let answer = timeout(WAIT_LIMIT, case.run(&server)).await.unwrap();
    assert_eq!(failure(&answer).code, "output_too_large");
    assert!(answer.called && answer.output.is_none());
}

#[tokio::test]
async fn a_stop_is_heard_while_the_output_is_read() {
    let server = Server::stdio();
    let elsewhere = tempfile::tempdir().unwrap();
    let path = elsewhere.path().join("file");
    let file = endless_file(&path, 1 << 40);
    let mut case = by_hand_moving(&server, &path);
    case.call.contract.invocation["limits"] = json!({"output_bytes": 2u64 << 40});
    let (handle, stop) = StopHandle::new();
    let stopping = async {
        // What the tool answered is kept before what it left is read.
        while !case.call.folder.join("answer.json").exists() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        handle.stop(StopReason::GateClosed);
    };
    let calling = server.invoker.invoke(&case.call, stop);
    let (answer, ()) = timeout(WAIT_LIMIT, async { tokio::join!(calling, stopping) })
        .await
        .unwrap();
    // Whoever still reads it comes to its end.
    file.set_len(0).unwrap();
    let record = stopped(&answer);
    assert_eq!(record.reason, StopReason::GateClosed);
    assert!(
        record.possible_effects[0].contains("was not read"),
        "{record:?}"
    );
    assert_eq!(answer.evidence["called"], true);
}

#[tokio::test]
async fn below_real_run_a_tool_that_lies_about_reading_writes_nowhere_else() {
    let server = Server::stdio();
    let elsewhere = tempfile::tempdir().unwrap();
    let path = elsewhere.path().join("file");
    let case = server.case_with("leave", json!({"path": path}));
    let answer = case.run(&server).await;
    assert_completed(&answer);
    // On a kernel without a sandbox the evidence says so, and nothing else can be asked.
    let is_enforced = answer.evidence["sandbox"]["writes"] == "enforced";
    assert_eq!(
        path.exists(),
        !is_enforced,
        "{}",
        answer.evidence["sandbox"]
    );
    assert_completed(
        &server
            .case_with("leave", json!({"path": path}))
            .for_real()
            .run(&server)
            .await,
    );
    assert!(path.exists());
}

#[tokio::test]
async fn what_the_tool_left_in_the_answer_s_place_is_not_written_to() {
    let server = Server::stdio();
    let case = server.case_with("leave", json!({"path": "{folder}/output.json"}));
    let answer = case.run(&server).await;
    assert_eq!(failure(&answer).code, "output_not_kept");
    assert_eq!(case.read("output.json"), "left by the tool");
}

/// A server of another make: an old revision, noise on its standard output, a notification that nobody knows, and a
/// result without `structuredContent`.
const BY_HAND: &str = r#"
echo 'starting up …'
while read -r line; do
  id=${line##*\"id\":}; id=${id%%[,\}]*}
  case "$line" in
  *\"initialize\"*) answer='{"protocolVersion":"2024-11-05","capabilities":{"tools":{}},"serverInfo":{"name":"by-hand","version":"0"}}' ;;
  *\"tools/list\"*) answer='{"tools":[{"name":"explain","inputSchema":{"type":"object"},"annotations":{"readOnlyHint":true,"own":1}}]}' ;;
  *\"tools/call\"*) answer='{"content":[{"type":"text","text":"{\"b\": 1, \"a\": 2}"}],"own":true}' ;;
  *) echo '{"jsonrpc":"2.0","method":"own/notification","params":{}}'; continue ;;
  esac
  printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$answer"
done
"#;

#[tokio::test]
async fn a_server_of_another_make_is_understood() {
    let server = Server::stdio();
    let mut case = server.case("explain");
    case.call.contract.endpoint_ref = Some("mcp:sh".to_owned());
    // Braces that are meant are written twice.
    let script = BY_HAND.replace('{', "{{").replace('}', "}}");
    case.call.contract.invocation["argv"] = json!(["sh", "-c", script]);
    let answer = case.run(&server).await;
    assert_completed(&answer);
    assert_eq!(case.read("output.json"), r#"{"a":2,"b":1}"#);
    assert_eq!(answer.evidence["protocol_revision"], "2024-11-05");
    assert_eq!(answer.evidence["server_info"]["name"], "by-hand");
}
