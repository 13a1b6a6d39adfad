//! Kernels without Landlock, a Landlock that fails, and systems that lack something else.

use dotwrap_invoke::{Answer, CallOutcome, Invoker, Stop, UnsupportedContract};
use dotwrap_invoke_command::CommandInvoker;
use dotwrap_supervisor::SandboxProblem;
use dotwrap_testkit::{Kernel, with_kernel};
use nix::errno::Errno;
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
fn an_unexpected_error_of_the_version_query_starts_nothing() {
    for errno in [Errno::EINVAL, Errno::ENOMEM, Errno::EIO] {
        let answer = call(Kernel::LandlockVersionError(errno), json!({}), false);
        assert_eq!(failure(&answer).code, "sandbox_unavailable", "{answer:?}");
        assert!(!answer.called);
        let cause = std::io::Error::from(errno).to_string();
        let message = &failure(&answer).message;
        assert!(message.contains(&cause), "{message}: {cause}");
    }
}

#[test]
fn the_record_has_the_reason_why_landlock_is_absent() {
    for (errno, reason) in [
        (Errno::ENOSYS, "the kernel has no landlock"),
        (Errno::EOPNOTSUPP, "landlock is switched off"),
        (
            Errno::EPERM,
            "landlock is refused by a filter of system calls (EPERM)",
        ),
    ] {
        let answer = call(Kernel::LandlockVersionError(errno), json!({}), false);
        assert_eq!(answer.ending, CallOutcome::Completed, "{answer:?}");
        assert_eq!(answer.evidence["sandbox_incomplete"], json!(true));
        let missing = answer.evidence["sandbox"]["missing"].as_array().unwrap();
        assert!(missing.contains(&json!(reason)), "{missing:?}");
    }
}

#[test]
fn the_check_of_the_sandbox_tries_each_step_of_the_launcher() {
    for kernel in [
        Kernel::WithoutLandlock,
        Kernel::FailingLandlock,
        Kernel::LandlockVersionError(Errno::EPERM),
        Kernel::LandlockVersionError(Errno::EIO),
        Kernel::LandlockWithoutRestriction,
    ] {
        let why = with_kernel(kernel, || supervisor().check_sandbox());
        let why = why.unwrap_err().to_string();
        assert!(why.contains("landlock"), "{kernel:?}: {why}");
    }
    with_kernel(Kernel::AsItIs, || supervisor().check_sandbox()).unwrap();
}

#[test]
fn the_check_tells_a_sandbox_that_fails_from_one_that_is_incomplete() {
    let check = |kernel| with_kernel(kernel, || supervisor().check_sandbox()).unwrap_err();
    let absent = check(Kernel::WithoutLandlock);
    assert!(
        matches!(absent, SandboxProblem::Incomplete(_)),
        "{absent:?}"
    );
    // What no sandbox has is no shortcoming of this one.
    assert!(!absent.to_string().contains("priority"), "{absent}");
    let failing = check(Kernel::LandlockWithoutRestriction);
    assert!(
        matches!(failing, SandboxProblem::Unusable(_)),
        "{failing:?}"
    );
}

/// Without namespaces, the filter alone holds back changes of attributes; without both, nothing does.
#[test]
fn the_check_of_the_sandbox_agrees_with_what_a_call_records() {
    for kernel in [Kernel::WithoutNamespaces, Kernel::WithoutFilters] {
        let check = with_kernel(kernel, || supervisor().check_sandbox());
        let answer = call(kernel, json!({}), false);
        let is_incomplete = answer.evidence.get("sandbox_incomplete").is_some();
        assert_eq!(
            check.is_err(),
            is_incomplete,
            "{kernel:?}: {check:?}, {answer:?}"
        );
    }
}

#[test]
fn a_required_sandbox_is_refused_before_the_call_whichever_step_fails() {
    for kernel in [
        Kernel::LandlockVersionError(Errno::EIO),
        Kernel::LandlockWithoutRestriction,
    ] {
        let refused = check(kernel, json!({"require_sandbox": true}), false).unwrap_err();
        assert_eq!(refused.code, "sandbox_unavailable");
    }
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
