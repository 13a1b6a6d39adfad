//! What holds on both transports.

use std::sync::atomic::Ordering::SeqCst;

use dotwrap_invoke::{Digest, Invoker, StopHandle, StopReason};
use dotwrap_types::Verdict;
use serde_json::json;

use crate::{
    tools::Probe,
    world::{
        Case, Server, assert_completed, assert_tool_not_called, failure, output, stopped,
        until_it_says,
    },
};

#[tokio::test]
async fn a_tool_that_says_it_only_reads_is_called_and_its_answer_kept() {
    for server in Server::both() {
        let case = server.case_with(
            "explain",
            json!({"node": "n1: {input}", "deep": [{"to": 3}]}),
        );
        let answer = case.run(&server).await;
        assert_completed(&answer);
        let said =
            json!({"arguments": {"deep": [{"to": 3}], "node": "n1: the input"}, "tool": "explain"});
        assert_eq!(output(&answer), said);
        let kept = answer.output.as_ref().unwrap();
        assert_eq!(kept.path, case.call.folder.join("output.json"));
        assert_eq!(case.read("output.json"), said.to_string());
        assert!(!answer.is_mock && answer.verdict.is_none() && answer.verified_digest.is_none());
    }
}

#[tokio::test]
async fn the_evidence_says_who_answered_and_what_is_only_said() {
    for server in Server::both() {
        let evidence = server.call("explain").await.evidence;
        assert_eq!(evidence["called"], true);
        assert_eq!(evidence["tool"], "explain");
        assert_eq!(
            evidence["server_info"],
            json!({"name": "mcp-probe", "version": "7.1"})
        );
        assert_eq!(evidence["protocol_revision"], "2025-11-25");
        assert_eq!(evidence["annotations"]["readOnlyHint"], true);
        assert_eq!(
            evidence["annotations_note"],
            "hints of the server, not checked"
        );
        let transport = if server.is_stdio() {
            "stdio"
        } else {
            "streamable_http"
        };
        assert_eq!(evidence["transport"], transport);
    }
}

#[tokio::test]
async fn below_real_run_a_tool_that_does_not_say_it_only_reads_is_not_called() {
    for server in Server::both() {
        for tool in ["write", "destroy"] {
            let answer = server.call(tool).await;
            assert_eq!(failure(&answer).code, "not_read_only");
            assert_tool_not_called(&server, &answer);
            assert!(answer.output.is_none());
        }
        if let Some(service) = &server.service {
            assert_eq!(service.probe.calls.load(SeqCst), 0);
        }
        let answer = server.call("destroy").await;
        assert_eq!(
            answer.evidence["annotations"],
            json!({"readOnlyHint": false, "destructiveHint": true})
        );
        assert_eq!(
            server.call("write").await.evidence["annotations"],
            json!({})
        );
    }
}

#[tokio::test]
async fn for_real_any_tool_is_called() {
    for server in Server::both() {
        for tool in ["write", "destroy"] {
            assert_completed(&server.case(tool).for_real().run(&server).await);
        }
    }
}

#[tokio::test]
async fn a_tool_that_is_not_there_or_there_twice_is_not_called() {
    for server in Server::both() {
        for (tool, code) in [("nothing", "tool_missing"), ("twice", "tool_ambiguous")] {
            let answer = server.call(tool).await;
            assert_eq!(failure(&answer).code, code);
            assert_tool_not_called(&server, &answer);
        }
    }
}

#[tokio::test]
async fn a_text_is_kept_as_text_and_contents_as_a_list() {
    for server in Server::both() {
        let case = server.case("text");
        let answer = case.run(&server).await;
        assert_completed(&answer);
        assert_eq!(answer.output.unwrap().digest, Digest::of("plain é"));
        assert_eq!(case.read("output.txt"), "plain é");
        let case = server.case("contents");
        assert_eq!(output(&case.run(&server).await)[1]["text"], "2");
        let case = server.case("empty");
        assert_eq!(output(&case.run(&server).await), json!([]));
    }
}

#[tokio::test]
async fn a_tool_s_error_is_a_failure_and_not_repeated() {
    for server in Server::both() {
        for (tool, code) in [("fail", "tool_error"), ("refuse", "call_refused")] {
            let case = server.case(tool);
            let answer = case.run(&server).await;
            assert_eq!(failure(&answer).code, code);
            assert!(!failure(&answer).outcome_unknown);
            assert_eq!(answer.evidence["called"], true);
            assert!(!format!("{answer:?}").contains("4711"));
        }
        let case = server.case("fail");
        case.run(&server).await;
        assert_eq!(case.read("tool_error.txt"), "the secret is 4711");
    }
}

#[tokio::test]
async fn a_call_that_takes_too_long_ends_and_nobody_knows_what_it_did() {
    for server in Server::both() {
        let answer = server.case("hang").within(2_000).run(&server).await;
        let failure = failure(&answer);
        assert_eq!((failure.code, failure.outcome_unknown), ("deadline", true));
        assert_eq!(answer.evidence["called"], true);
    }
}

#[tokio::test]
async fn a_stop_is_told_to_the_server_and_receipted() {
    for server in Server::both() {
        let case = server.case("hang");
        let (handle, stop) = StopHandle::new();
        let calling = server.invoker.invoke(&case.call, stop);
        let stopping = async {
            until_called(&server, &case).await;
            handle.stop(StopReason::GateClosed);
        };
        let (answer, ()) = tokio::join!(calling, stopping);
        let record = stopped(&answer);
        assert_eq!(record.reason, StopReason::GateClosed);
        assert!(
            record.signals_sent[0].starts_with("notifications/cancelled"),
            "{record:?}"
        );
        assert!(record.signals_sent[0].ends_with(": sent"), "{record:?}");
        assert!(!record.exited.is_empty() && !record.possible_effects.is_empty());
        // A process is ended soon after it was told, so that it may not come to say that it was.
        if let Some(service) = &server.service {
            service.until_cancelled().await;
        }
    }
}

async fn until_called(server: &Server, case: &Case) {
    match &server.service {
        Some(service) => service.until_called().await,
        None => until_it_says(case, "called").await,
    }
}

#[tokio::test]
async fn a_stop_before_the_call_calls_nothing() {
    for server in Server::both() {
        let case = server.case("explain");
        let (handle, stop) = StopHandle::new();
        handle.stop(StopReason::LeaseLost);
        let answer = server.invoker.invoke(&case.call, stop).await;
        assert_eq!(stopped(&answer).reason, StopReason::LeaseLost);
        assert!(stopped(&answer).possible_effects.is_empty());
        assert_eq!(answer.evidence["called"], false);
        assert!(!answer.called, "the runner goes by this");
    }
}

#[tokio::test]
async fn more_than_may_be_sent_ends_the_call() {
    for server in Server::both() {
        for tool in ["endless", "large"] {
            let mut case = server.case(tool);
            case.call.contract.invocation["max_response_bytes"] = json!(100_000);
            let answer = case.run(&server).await;
            let failure = failure(&answer);
            assert_eq!(
                (failure.code, failure.outcome_unknown),
                ("response_too_large", true),
                "{tool}"
            );
        }
        assert_completed(&server.call("large").await);
    }
}

#[tokio::test]
async fn a_lie_about_a_digest_is_noticed() {
    for server in Server::both() {
        let answer = server.call("lie").await;
        assert_eq!(failure(&answer).code, "digest_mismatch");
        assert_completed(&server.call("honest").await);
        let as_it_stands = Digest::of(r#"{ "a" : 1 }"#).to_string();
        for (digest, is_true) in [
            (as_it_stands, true),
            (Digest::of("else").to_string(), false),
        ] {
            let case = server.case_with("as_it_stands", json!({"digest": digest}));
            let answer = case.run(&server).await;
            assert_eq!(
                answer.ending == dotwrap_invoke::CallOutcome::Completed,
                is_true
            );
        }
    }
}

#[tokio::test]
async fn reported_mock_is_recorded_as_mock() {
    for server in Server::both() {
        let answer = server.call("mock").await;
        assert_completed(&answer);
        assert!(answer.is_mock);
        // Anything but a plain no is a yes.
        let case = server.case_with("verify", json!({"is_mock": null}));
        assert!(case.run(&server).await.is_mock);
    }
}

#[tokio::test]
async fn a_verifier_s_verdict_and_digest_are_passed_on_as_it_says_them() {
    for server in Server::both() {
        for (said, verdict) in [
            ("pass", Verdict::Pass),
            ("fail", Verdict::Fail),
            ("error", Verdict::Error),
        ] {
            let arguments = json!({"verdict": said, "verified_digest": "{output_digest}"});
            let case = server.case_with("verify", arguments).verifying("made");
            let answer = case.run(&server).await;
            assert_completed(&answer);
            assert_eq!(answer.verdict, Some(verdict));
            assert_eq!(answer.verified_digest, Some(Digest::of("made")));
            assert!(answer.output.is_some());
        }
        let arguments = json!({"verdict": "pass", "input_digest": Digest::of("else")});
        let answer = server
            .case_with("verify", arguments)
            .verifying("made")
            .run(&server)
            .await;
        assert_eq!(answer.verified_digest, Some(Digest::of("else")));
    }
}

#[tokio::test]
async fn a_verifier_without_a_plain_verdict_has_failed() {
    for server in Server::both() {
        for (arguments, code) in [
            (json!({}), "verdict_missing"),
            (json!({"verdict": true}), "verdict_invalid"),
            (json!({"verdict": "Pass"}), "verdict_invalid"),
            (
                json!({"verdict": "pass", "verified_digest": "abc"}),
                "digest_invalid",
            ),
            (
                json!({"verdict": "pass", "verified_digest": Digest::of("a"), "input_digest": Digest::of("b")}),
                "digest_mismatch",
            ),
        ] {
            let case = server.case_with("verify", arguments).verifying("made");
            let answer = case.run(&server).await;
            assert_eq!(failure(&answer).code, code);
            assert_eq!((answer.verdict, answer.verified_digest), (None, None));
        }
    }
}

#[tokio::test]
async fn what_the_producer_left_can_be_an_argument() {
    for server in Server::both() {
        let arguments = json!({"verdict": "pass", "looked_at": {"output": "{output_body}"}});
        let case = server
            .case_with("verify", arguments)
            .verifying(r#"{"nodes": [1, 2]}"#);
        let answer = case.run(&server).await;
        assert_eq!(
            output(&answer)["looked_at"]["output"],
            json!({"nodes": [1, 2]})
        );
    }
}

#[tokio::test]
async fn server_requests_are_rejected() {
    for server in Server::both() {
        let case = server.case("ask");
        let answer = case.run(&server).await;
        assert_completed(&answer);
        assert_eq!(output(&answer), json!({"given": []}));
        let refused = &answer.evidence["requests_refused"];
        assert!(!refused.as_array().unwrap().is_empty(), "{refused}");
    }
}

#[tokio::test]
async fn a_server_of_the_revision_without_a_handshake_is_called_too() {
    let modern = Probe {
        refuses_initialize: true,
        ..Probe::default()
    };
    let http = Server::of_probe(modern);
    let stdio = Server::stdio();
    for (server, case) in [
        (&http, http.case("explain")),
        (&stdio, {
            let mut case = stdio.case("explain");
            case.call.contract.invocation["argv"] = json!(["--modern"]);
            case
        }),
    ] {
        let answer = case.run(server).await;
        assert_completed(&answer);
        assert_eq!(answer.evidence["protocol_revision"], "2026-07-28");
    }
}

#[tokio::test]
async fn an_input_that_the_run_was_not_given_calls_nothing() {
    for server in Server::both() {
        let mut case = server.case_with("explain", json!({"node": "{input}"}));
        case.call.input_ref = None;
        let answer = case.run(&server).await;
        assert_eq!(failure(&answer).code, "input_missing");
        assert_eq!(answer.evidence["called"], false);
        assert!(!answer.called, "the runner goes by this");
    }
}
