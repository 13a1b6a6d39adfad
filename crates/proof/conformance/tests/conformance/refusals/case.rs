//! A refusal, the call that raises it, and the state that has to exist before the call.

use tokio_postgres::Client;

use crate::common::fixtures::{PRODUCER, register_candidate, register_check, set_posture};
use crate::common::forged_run::{self, ExecutedRun};
use crate::common::run_calls::bind;
use crate::common::{Call, TestContext, execute, rows};

/// The state that a refusal needs, in addition to the registry.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Precondition {
    None,
    GatesOpenForDryRuns,
    /// Contracts and gates allow real runs; the candidate `c` is registered, and no producer is declared for it.
    RealRunsAllowed,
    ToolRetired,
    PreflightBlocks,
    LeaseHeld,
    /// The key `key` was used by a pair, whose run has the id [`USED_ID`].
    KeyUsed,
    RunUnderLease,
    RunConcluded,
}

pub(super) const USED_ID: &str = "11111111-1111-4111-8111-111111111111";

pub(super) struct Case {
    pub(super) code: &'static str,
    pub(super) role: &'static str,
    pub(super) precondition: Precondition,
    pub(super) call: String,
}

pub(super) fn case(code: &'static str, role: &'static str, call: impl Into<String>) -> Case {
    Case {
        code,
        role,
        precondition: Precondition::None,
        call: call.into(),
    }
}

pub(super) fn case_with(precondition: Precondition, code: &'static str, call: Call) -> Case {
    Case {
        code,
        role: "observer",
        precondition,
        call: call.sql(),
    }
}

pub(super) async fn set_up(stage: &TestContext, superuser: &Client, precondition: Precondition) {
    let (observer, operator) = (
        stage.client("observer").await,
        stage.client("operator").await,
    );
    match precondition {
        Precondition::None => (),
        Precondition::GatesOpenForDryRuns => set_posture(&operator, "DRY_RUN_ONLY").await,
        Precondition::RealRunsAllowed => {
            bind(&operator).await;
            register_candidate(&operator, "c").await;
            set_posture(&operator, "REAL_RUN").await;
        }
        Precondition::ToolRetired => {
            bind(&operator).await;
            set_posture(&operator, "REAL_RUN").await;
            let retire = Call::new("fn_dot_tool_retire")
                .text("p_dot_code", PRODUCER)
                .text("p_actor", "a")
                .text("p_reason", "r");
            rows(&operator, &retire.sql()).await;
        }
        Precondition::PreflightBlocks => {
            register_check(superuser, "blocks", "BEGIN RETURN 1; END", "BLOCK", "0").await
        }
        Precondition::LeaseHeld => drop(rows(&observer, &Call::acquire(3600).sql()).await),
        Precondition::KeyUsed => drop(
            rows(
                &observer,
                &Call::pair()
                    .text("p_idempotency_key", "key")
                    .text("p_process_run_id", USED_ID)
                    .sql(),
            )
            .await,
        ),
        Precondition::RunUnderLease => forged_run::begin(superuser).await,
        Precondition::RunConcluded => {
            forged_run::begin(superuser).await;
            execute(superuser, &ExecutedRun::truthful().conclusion.sql()).await;
        }
    }
}
