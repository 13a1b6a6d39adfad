//! Blank texts, by Unicode's definition of white space.

use rstest_reuse::apply;
use serde_json::json;

use super::characters::WHITE_SPACE;
use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::{Backend, Call, TestContext, code, rows, text};

/// Invisible characters that are not white space.
const INVISIBLE: [&str; 6] = [
    "\u{200b}", "\u{feff}", "\u{180e}", "\u{2060}", "\u{2800}", "\u{1}",
];

#[test]
fn white_space_list_equals_unicodes() {
    let white_space: Vec<char> = (char::MIN..=char::MAX)
        .filter(|character| character.is_whitespace())
        .collect();
    assert_eq!(white_space, WHITE_SPACE);
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
    for invisible in INVISIBLE {
        for argument in ["p_actor", "p_correlation_id", "p_process_candidate_code"] {
            let call = Call::run().text(argument, invisible);
            assert_eq!(
                code(&observer, &call.sql()).await,
                "text_invalid",
                "{invisible:?}"
            );
        }
        // A reference may have them; only names may not.
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
