//! The invariants after a crash.

use std::fs;

use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::ledger::{Ledger, Run};
use crate::run_process::Ended;
use crate::tools::Trace;

/// A violated invariant.
pub(crate) type Violations = Vec<String>;

/// Checks all invariants.
pub(crate) fn of_ledger(ledger: &Ledger, trace: &Trace) -> Violations {
    let mut complaints = Vec::new();
    if ledger.bound_leases != 0 {
        complaints.push(format!(
            "{} leases are still bound to a run",
            ledger.bound_leases
        ));
    }
    for (id, run) in &ledger.runs {
        let found = of_run(*id, run, trace);
        complaints.extend(
            found
                .into_iter()
                .map(|it| format!("run {id} of {}: {it}", run.key)),
        );
    }
    complaints.extend(of_calls(ledger, trace));
    complaints
}

fn of_run(id: Uuid, run: &Run, trace: &Trace) -> Violations {
    let Some(conclusion) = &run.conclusion else {
        return vec!["is not concluded".to_owned()];
    };
    let mut complaints = Vec::new();
    // No type of event is there for the other ends.
    let end = Some(&conclusion.status).filter(|it| ["completed", "failed"].contains(&it.as_str()));
    let told: Vec<&str> = ["started"]
        .into_iter()
        .chain(end.map(String::as_str))
        .collect();
    if run.events != told {
        complaints.push(format!("the outbox tells {:?}, not {told:?}", run.events));
    }
    let mut open = run.receipts.keys();
    let open = open.find(|role| !run.components.contains_key(*role));
    let is_unknown =
        conclusion.outcome.as_deref() == Some("unknown") && conclusion.status != "completed";
    if let Some(role) = open
        && !is_unknown
    {
        complaints.push(format!(
            "the call of the {role} is open, and the conclusion says {conclusion:?}"
        ));
    }
    if !run.receipts.contains_key("producer") {
        complaints.push("was begun without a receipt".to_owned());
    }
    for (role, component) in &run.components {
        let receipt = run.receipts.get(role).map(|receipt| receipt.id);
        if receipt.is_none() || component.receipt != receipt {
            complaints.push(format!("the {role}'s row is not of its receipt"));
        }
        if component.status == "step_completed" {
            let calls = trace.0.get(&(id, role.clone()));
            let is_done = calls.is_some_and(|calls| {
                calls
                    .iter()
                    .any(|call| call.component == component.id && call.has_ended)
            });
            if !is_done {
                complaints.push(format!(
                    "the {role} is said to have done its work: {calls:?}"
                ));
            }
        }
        if let (Some(path), Some(digest)) = (&component.output_ref, &component.output_digest) {
            let path = path.strip_prefix("file://").unwrap();
            let bytes = fs::read(path).unwrap_or_default();
            let there: String = Sha256::digest(bytes)
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            if *digest != format!("sha256:{there}") {
                complaints.push(format!("{path} is not what the {role}'s row says"));
            }
        }
    }
    complaints
}

/// Each call has a receipt, committed before it, and is the only one of that.
fn of_calls(ledger: &Ledger, trace: &Trace) -> Violations {
    let mut complaints = Vec::new();
    for ((id, role), calls) in &trace.0 {
        let run = ledger.runs.get(id);
        let [call] = &calls[..] else {
            complaints.push(format!(
                "the {role} of {id} was called more than once: {calls:?}"
            ));
            continue;
        };
        match run.and_then(|run| run.receipts.get(role)) {
            None => complaints.push(format!("the {role} of {id} was called without a receipt")),
            Some(receipt) if receipt.committed_at > call.begun_at => complaints.push(format!(
                "the {role} of {id} was called {} ns before its receipt was committed",
                receipt.committed_at - call.begun_at
            )),
            Some(_) => {}
        }
        if let Some(component) = run.and_then(|run| run.components.get(role))
            && component.id != call.component
        {
            complaints.push(format!(
                "the {role} of {id} was called as {}",
                call.component
            ));
        }
    }
    complaints
}

/// Every acknowledged row exists.
pub(crate) fn of_attempt(ledger: &Ledger, attempt: &Ended) -> Violations {
    let acknowledged = attempt.acknowledged();
    let run = ledger.runs.get(&attempt.order.run);
    let mut complaints = Vec::new();
    let mut must = |holds: bool, what: &str| {
        if !holds {
            complaints.push(format!(
                "{:?}: {what}; it ended with {:?} and said: {}",
                attempt.order,
                attempt.status,
                attempt.said.text()
            ));
        }
    };
    if acknowledged.begun {
        must(
            run.is_some_and(|run| run.receipts.contains_key("producer")),
            "said to be begun, and is not",
        );
    }
    if acknowledged.produced {
        must(
            run.is_some_and(|run| {
                run.components.contains_key("producer") && run.receipts.contains_key("verifier")
            }),
            "said to be produced, and is not",
        );
    }
    if let Some(record) = &acknowledged.record {
        let conclusion = run.and_then(|run| run.conclusion.as_ref());
        let is_so = conclusion.is_some_and(|conclusion| {
            record["status"] == conclusion.status.as_str()
                && record["verdict"].as_str() == conclusion.verdict.as_deref()
        });
        must(is_so, "the ledger does not hold what was said");
    }
    if attempt.status == Some(0) {
        must(acknowledged.record.is_some(), "nothing was said");
    }
    must(
        attempt.status != Some(101) && !attempt.said.of_messages().contains("panicked"),
        "it panicked",
    );
    complaints
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::ledger::{Component, Conclusion, Receipt};
    use crate::tools::Call;

    const RECEIPT: Uuid = Uuid::from_u128(1);
    const COMPONENT: Uuid = Uuid::from_u128(2);
    const RUN: Uuid = Uuid::from_u128(3);

    /// A run whose producer completed and whose verifier was killed, with the tools' trace of it.
    fn killed() -> (Ledger, Trace) {
        let receipt = |id| Receipt {
            id,
            committed_at: 1_000,
        };
        let run = Run {
            key: "k".to_owned(),
            conclusion: Some(Conclusion {
                status: "stuck".to_owned(),
                verdict: None,
                outcome: Some("unknown".to_owned()),
                concluded_at: "now".to_owned(),
            }),
            receipts: BTreeMap::from([
                ("producer".to_owned(), receipt(RECEIPT)),
                ("verifier".to_owned(), receipt(Uuid::from_u128(4))),
            ]),
            components: BTreeMap::from([(
                "producer".to_owned(),
                Component {
                    id: COMPONENT,
                    receipt: Some(RECEIPT),
                    status: "step_completed".to_owned(),
                    output_ref: None,
                    output_digest: None,
                },
            )]),
            events: vec!["started".to_owned()],
        };
        let call = |component, has_ended| {
            vec![Call {
                component,
                begun_at: 2_000,
                has_ended,
            }]
        };
        let trace = Trace(BTreeMap::from([
            ((RUN, "producer".to_owned()), call(COMPONENT, true)),
            (
                (RUN, "verifier".to_owned()),
                call(Uuid::from_u128(5), false),
            ),
        ]));
        let ledger = Ledger {
            runs: BTreeMap::from([(RUN, run)]),
            ..Ledger::default()
        };
        (ledger, trace)
    }

    #[test]
    fn consistent_ledger_has_no_finding() {
        let (ledger, trace) = killed();
        assert_eq!(of_ledger(&ledger, &trace), Violations::new());
    }

    /// Tampers with the ledger and expects a finding with these words.
    fn found(words: &str, forge: impl Fn(&mut Run, &mut Vec<Call>)) {
        let (mut ledger, mut trace) = killed();
        let producer = (RUN, "producer".to_owned());
        forge(
            ledger.runs.get_mut(&RUN).unwrap(),
            trace.0.get_mut(&producer).unwrap(),
        );
        let complaints = of_ledger(&ledger, &trace);
        assert!(
            complaints.iter().any(|it| it.contains(words)),
            "{words}: {complaints:?}"
        );
    }

    #[test]
    fn each_inconsistency_is_found() {
        found("is not concluded", |run, _| run.conclusion = None);
        found("is open", |run, _| {
            run.conclusion.as_mut().unwrap().outcome = Some("not_concluded".to_owned());
        });
        found("the outbox tells", |run, _| {
            run.events.push("completed".to_owned());
        });
        found("is not of its receipt", |run, _| {
            run.components.get_mut("producer").unwrap().receipt = None;
        });
        found("is said to have done its work", |_, calls| {
            calls[0].has_ended = false;
        });
        found("more than once", |_, calls| calls.push(calls[0].clone()));
        found("without a receipt", |run, _| {
            run.receipts.remove("verifier");
        });
        found("before its receipt", |_, calls| calls[0].begun_at = 500);
        found("was called as", |_, calls| calls[0].component = RUN);
    }
}
