//! Tampered registry rows and history.

use super::Lie;

pub(super) const LIES: &[Lie] = &[
    Lie {
        told: "a history that was deleted",
        sql: "DELETE FROM dot.dot_registry_history WHERE kind IN ('tool', 'candidate')",
        noticed: &[
            (
                "registry_agrees_with_its_history",
                "tool ALONE: its history knows nothing of it",
            ),
            (
                "registry_agrees_with_its_history",
                "candidate PROC:copy: its history knows nothing of it",
            ),
        ],
    },
    Lie {
        told: "a contract that was pointed elsewhere round its function",
        sql: "UPDATE dot.dot_agent_api_contract SET endpoint_ref = 'command:true', invocation = '{\"argv\": [\"true\"]}' WHERE dot_code = 'COPY' AND mode = 'REAL_RUN'",
        noticed: &[(
            "registry_agrees_with_its_history",
            "contract COPY REAL_RUN: it never became this: endpoint_ref, invocation differ",
        )],
    },
    Lie {
        told: "a contract with a digest that is not its own",
        sql: "UPDATE dot.dot_agent_api_contract SET contract_sha256 = repeat('0', 64) WHERE dot_code = 'COPY' AND mode = 'REAL_RUN'",
        noticed: &[(
            "contract_has_the_digest_of_its_entry",
            "COPY REAL_RUN: its digest is 0000",
        )],
    },
    Lie {
        told: "a contract that was put back to what it was before",
        sql: "UPDATE dot.dot_agent_api_contract SET timeout_ms = 60000 WHERE dot_code = 'COPY' AND mode = 'REAL_RUN'",
        noticed: &[(
            "registry_is_as_last_recorded",
            "contract COPY REAL_RUN: it is as it was before ",
        )],
    },
    Lie {
        told: "a tool that writes and is said to read",
        sql: "UPDATE dot.dot_tools SET tier = 'A' WHERE dot_code = 'COPY'",
        noticed: &[(
            "registry_agrees_with_its_history",
            "tool COPY: it never became this: tier differ",
        )],
    },
    Lie {
        told: "a fixture with another body",
        sql: "UPDATE dot.dot_fixture SET body = '{\"evil\": 1}'",
        noticed: &[(
            "registry_agrees_with_its_history",
            "fixture fixture: it never became this: body_sha256 differ",
        )],
    },
    Lie {
        told: "an owner that nobody set",
        sql: "UPDATE dot.process_candidate SET owner = 'eve' WHERE process_candidate_code = 'PROC:nobodys'",
        noticed: &[(
            "registry_agrees_with_its_history",
            "candidate PROC:nobodys: it never became this: owner differ",
        )],
    },
    Lie {
        told: "checks that are switched off",
        sql: "UPDATE dot.dot_preflight_check SET enabled = false",
        noticed: &[
            (
                "registry_agrees_with_its_history",
                "check ledger_guards_missing: its history knows nothing of it",
            ),
            (
                "registry_agrees_with_its_history",
                "check gates_malformed: it never became this: enabled differ",
            ),
        ],
    },
    Lie {
        told: "a check that is remembered for a year",
        sql: "UPDATE dot.dot_preflight_check SET max_age = '365 days' WHERE check_name IN ('ledger_guards_missing', 'gates_malformed')",
        noticed: &[
            (
                "registry_agrees_with_its_history",
                "check ledger_guards_missing: its history knows nothing of it",
            ),
            (
                "registry_agrees_with_its_history",
                "check gates_malformed: it never became this: max_age differ",
            ),
        ],
    },
];
