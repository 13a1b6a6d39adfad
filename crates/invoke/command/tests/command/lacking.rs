//! Kernels without Landlock, a Landlock that fails, and systems that lack something else.

use dotwrap_invoke::{Answer, CallOutcome, Invoker, Stop, UnsupportedContract};
use dotwrap_invoke_command::CommandInvoker;
use dotwrap_testkit::{Kernel, with_kernel};
use serde_json::{Value as Json, json};

use crate::support::{Case, failure, printed, supervisor};

/// A call in a process whose kernel has such a Landlock.
fn call(kernel: Kernel, more: Json, requires: bool) -> Answer {
    with_kernel(kernel, move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let case = Case::script("echo ran | tee file", more);
        let supervisor = supervisor().requiring_sandbox(requires);
        let invoker = CommandInvoker::new(supervisor);
        let answer = runtime.block_on(invoker.invoke(&case.call, Stop::never()));
        if answer.ending == CallOutcome::Completed {
            assert_eq!(printed(&answer), "ran\n");
        }
        answer
    })
}

/// What is said before anything is recorded.
fn check(kernel: Kernel, more: Json, requires: bool) -> Result<(), UnsupportedContract> {
    with_kernel(kernel, move || {
        let case = Case::script("echo ran", more);
        let invoker = CommandInvoker::new(supervisor().requiring_sandbox(requires));
        invoker.check(&case.call.contract, case.call.mode)
    })
}

#[test]
fn without_landlock_a_dry_run_is_marked() {
    let answer = call(Kernel::WithoutLandlock, json!({}), false);
    assert_eq!(answer.ending, CallOutcome::Completed);
    assert_eq!(answer.evidence["sandbox_incomplete"], json!(true));
    assert_eq!(answer.evidence["sandbox"]["writes"], json!("not_enforced"));
}

#[test]
fn with_kernel_a_dry_run_is_not_marked() {
    let answer = call(Kernel::AsItIs, json!({"require_sandbox": true}), true);
    assert_eq!(answer.ending, CallOutcome::Completed);
    assert!(answer.evidence.get("sandbox_incomplete").is_none());
}

#[test]
fn where_a_sandbox_is_required_nothing_is_started_without_one() {
    for (more, requires) in [(json!({"require_sandbox": true}), false), (json!({}), true)] {
        for kernel in [Kernel::WithoutLandlock, Kernel::FailingLandlock] {
            let refused = check(kernel, more.clone(), requires).unwrap_err();
            assert_eq!(refused.code, "sandbox_unavailable");
            assert!(refused.hint.is_some());
            let answer = call(kernel, more.clone(), requires);
            assert_eq!(failure(&answer).code, "sandbox_unavailable", "{answer:?}");
            assert!(!answer.called);
        }
        check(Kernel::AsItIs, more, requires).unwrap();
    }
}

#[test]
fn a_landlock_that_fails_starts_nothing() {
    let answer = call(Kernel::FailingLandlock, json!({}), false);
    assert!(
        matches!(answer.ending, CallOutcome::Failed(_)),
        "{answer:?}"
    );
    assert_eq!(failure(&answer).code, "sandbox_unavailable");
    assert!(failure(&answer).message.contains("landlock"), "{answer:?}");
}

#[test]
fn without_openat2_a_dry_run_writes_where_it_may_and_reads_no_pseudo_file() {
    let answer = call(
        Kernel::WithoutOpenat2,
        json!({"require_sandbox": true}),
        true,
    );
    assert_eq!(answer.ending, CallOutcome::Completed, "{answer:?}");
    let answer = call(
        Kernel::WithoutOpenat2,
        json!({"stdin": "/proc/self/environ"}),
        true,
    );
    assert_eq!(failure(&answer).code, "stdin_unusable");
}
