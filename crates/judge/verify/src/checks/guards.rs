//! The guards of the ledger in the catalogue. The database cannot prevent DDL by its owner; these checks detect it.

use super::Check;
use crate::report::Severity;

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "append_only_triggers",
        rule: "Every insert-only table refuses UPDATE, DELETE and TRUNCATE by a trigger that is always enabled.",
        source: "contract.md, The ledger",
        severity: Severity::Violation,
        question: include_str!("guards/append_only_triggers.sql"),
    },
    Check {
        name: "append_only_function",
        rule: "The function behind those triggers lets nobody through but a superuser, and raises.",
        source: "contract.md, The ledger",
        severity: Severity::Violation,
        question: include_str!("guards/append_only_function.sql"),
    },
    Check {
        name: "ledger_tables_are_plain",
        rule: "Every insert-only table is an ordinary, durable table without rules, heirs, row security, or triggers of others.",
        source: "contract.md, The ledger",
        severity: Severity::Violation,
        question: include_str!("guards/ledger_tables_are_plain.sql"),
    },
    Check {
        name: "constraints_are_there",
        rule: "The keys and conditions that the rules rest on are there, validated and enforced.",
        source: "contract.md, The ledger",
        severity: Severity::Violation,
        question: include_str!("guards/constraints_are_there.sql"),
    },
    Check {
        name: "unique_indexes_are_there",
        rule: "The unique indexes behind idempotency and receipts are there, valid, and over all that they are meant for.",
        source: "model.md, Safety rules",
        severity: Severity::Violation,
        question: include_str!("guards/unique_indexes_are_there.sql"),
    },
    Check {
        name: "required_columns_are_not_null",
        rule: "The columns that the rules compare cannot be null.",
        source: "contract.md, The ledger",
        severity: Severity::Violation,
        question: include_str!("guards/required_columns_are_not_null.sql"),
    },
    Check {
        name: "constraint_triggers_are_enabled",
        rule: "The triggers that enforce foreign keys are enabled.",
        source: "contract.md, The ledger",
        severity: Severity::Violation,
        question: include_str!("guards/constraint_triggers_are_enabled.sql"),
    },
    Check {
        name: "only_the_owner_writes",
        rule: "No role but the owner can write a table, hold more than SELECT on anything, or make objects in the schema.",
        source: "contract.md, Roles",
        severity: Severity::Violation,
        question: include_str!("guards/only_the_owner_writes.sql"),
    },
    Check {
        name: "public_has_nothing",
        rule: "PUBLIC has no right in the schema.",
        source: "contract.md, Roles",
        severity: Severity::Violation,
        question: include_str!("guards/public_has_nothing.sql"),
    },
    Check {
        name: "functions_pin_their_search_path",
        rule: "Every function that anybody but the owner's functions enters names the schema that it works in, and temporary objects last.",
        source: "model.md, One schema",
        severity: Severity::Violation,
        question: include_str!("guards/functions_pin_their_search_path.sql"),
    },
    Check {
        name: "functions_have_the_rights_meant",
        rule: "The contract's functions work with their owner's rights, and no other function does.",
        source: "contract.md, Roles",
        severity: Severity::Violation,
        question: include_str!("guards/functions_have_the_rights_meant.sql"),
    },
    Check {
        name: "objects_are_the_releases",
        rule: "Every table, view, function, trigger, constraint and index is as the release made it, and nothing beside them acts on the ledger.",
        source: "contract.md, Installer",
        severity: Severity::Violation,
        question: concat!(
            include_str!("../release/facts.sql"),
            include_str!("guards/objects_are_the_releases.sql")
        ),
    },
    Check {
        name: "objects_beyond_the_release",
        rule: "The schema holds no table, view, column or index of others.",
        source: "contract.md, Installer",
        severity: Severity::Warning,
        question: concat!(
            include_str!("../release/facts.sql"),
            include_str!("guards/objects_beyond_the_release.sql")
        ),
    },
    Check {
        name: "rights_are_the_declared",
        rule: "Everybody may do what is declared, and nothing else; the installation's roles are members of each other as declared.",
        source: "contract.md, Roles",
        severity: Severity::Violation,
        question: concat!(
            include_str!("../release/facts.sql"),
            include_str!("guards/rights_are_the_declared.sql")
        ),
    },
    Check {
        name: "nobody_else_is_the_owner",
        rule: "Nobody but a superuser can become the owner or the checker, or write every table, and the installation's roles have no power over the cluster.",
        source: "contract.md, Roles",
        severity: Severity::Violation,
        question: include_str!("guards/nobody_else_is_the_owner.sql"),
    },
    Check {
        name: "new_objects_give_no_rights",
        rule: "What the owner creates in the schema later gives nobody else a right.",
        source: "contract.md, Roles",
        severity: Severity::Violation,
        question: include_str!("guards/new_objects_give_no_rights.sql"),
    },
    Check {
        name: "installation_is_the_releases",
        rule: "What is recorded of the installation is this release.",
        source: "contract.md, Installer",
        severity: Severity::Violation,
        question: include_str!("guards/installation_is_the_releases.sql"),
    },
    Check {
        name: "nothing_else_acts_on_the_ledger",
        rule: "No event trigger, subscription or publication of the database touches the ledger, and nobody reads everything.",
        source: "contract.md, Where trust ends",
        severity: Severity::Warning,
        question: include_str!("guards/nothing_else_acts_on_the_ledger.sql"),
    },
];
