//! Which runs are listed, and where the list goes on.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use serde::Serialize;

use crate::{
    database::Value,
    types::{
        Actor, CandidateCode, CorrelationId, DotCode, EvidenceType, IdempotencyKey, ProcessRunId,
        StoredStatus, Verdict,
    },
};

/// Which runs to list. Everything that is set has to hold.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RunFilter {
    /// Only those of this candidate.
    pub process_candidate_code: Option<CandidateCode>,
    /// Only those of this producer.
    pub dot_code: Option<DotCode>,
    /// Only those of this correlation.
    pub correlation_id: Option<CorrelationId>,
    /// Only those in this status now.
    pub status: Option<StoredStatus>,
    /// Only those whose rows show this evidence type; a header that only claims it does not count.
    pub evidence_type: Option<EvidenceType>,
    /// Only those with this verdict.
    pub verdict: Option<Verdict>,
    /// Only those that were begun or recorded in this mode, whatever became of them.
    pub mode: Option<EvidenceType>,
    /// Only those with a call of this runner.
    pub runner: Option<Actor>,
    /// Only those of this actor.
    pub actor: Option<Actor>,
    /// Only those of this input.
    pub input_ref: Option<String>,
    /// Only the one of this key.
    pub idempotency_key: Option<IdempotencyKey>,
    /// Only those with warnings.
    pub has_warnings: bool,
    /// Only those recorded at this time or later.
    pub since: Option<Timestamp>,
    /// Only those recorded before this time.
    pub until: Option<Timestamp>,
    /// Only those after this place of an earlier page.
    pub after: Option<RunCursor>,
}

/// A place in the list of runs, to go on from. As a text it is opaque: `next_page` gives it, `after` takes
/// it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunCursor {
    pub(super) created_at: Timestamp,
    pub(super) process_run_id: ProcessRunId,
}

impl fmt::Display for RunCursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}~{}",
            self.created_at.as_microsecond(),
            self.process_run_id
        )
    }
}

impl FromStr for RunCursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (time, run) = text.split_once('~').ok_or(InvalidCursor)?;
        let microseconds = time.parse().map_err(|_| InvalidCursor)?;
        Ok(Self {
            created_at: Timestamp::from_microsecond(microseconds).map_err(|_| InvalidCursor)?,
            process_run_id: run.parse().map_err(|_| InvalidCursor)?,
        })
    }
}

impl Serialize for RunCursor {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A text that is no place in the list of runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not a cursor that a page of runs gave")]
pub struct InvalidCursor;

/// Conditions and the parameters that they are about.
#[derive(Default)]
pub(super) struct WhereClause {
    sql: Vec<String>,
    pub(super) values: Vec<Value>,
}

impl WhereClause {
    /// Adds a parameter and returns its placeholder.
    pub(super) fn parameter(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    /// Requires that a column compares so with a value, if there is one.
    fn require(&mut self, column_and_operator: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            let parameter = self.parameter(value);
            self.sql.push(format!("{column_and_operator} {parameter}"));
        }
    }

    /// Requires a place after the cursor's in the order of the list.
    fn require_after(&mut self, cursor: RunCursor) {
        let time = self.parameter(cursor.created_at);
        let run = self.parameter(cursor.process_run_id);
        self.sql
            .push(format!("(created_at, process_run_id) < ({time}, {run})"));
    }

    pub(super) fn where_clause(&self) -> String {
        if self.sql.is_empty() {
            return String::new();
        }
        format!("WHERE {}", self.sql.join(" AND "))
    }
}

impl RunFilter {
    pub(super) fn conditions(&self) -> WhereClause {
        let mut conditions = WhereClause::default();
        conditions.require(
            "process_candidate_code =",
            self.process_candidate_code.as_ref(),
        );
        conditions.require("dot_code =", self.dot_code.as_ref());
        conditions.require("correlation_id =", self.correlation_id.as_ref());
        conditions.require("status =", self.status);
        conditions.require("evidence_type =", self.evidence_type);
        conditions.require("verdict =", self.verdict);
        conditions.require("header_evidence_type =", self.mode);
        conditions.require("runner =", self.runner.as_ref());
        conditions.require("actor =", self.actor.as_ref());
        conditions.require("input_ref =", self.input_ref.as_deref());
        conditions.require("idempotency_key =", self.idempotency_key.as_ref());
        if self.has_warnings {
            conditions.sql.push("warnings > 0".to_owned());
        }
        conditions.require("created_at >=", self.since);
        conditions.require("created_at <", self.until);
        if let Some(cursor) = self.after {
            conditions.require_after(cursor);
        }
        conditions
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursor_round_trips_through_text() {
        let cursor = RunCursor {
            created_at: "2026-01-02T03:04:05.678901Z".parse().unwrap(),
            process_run_id: ProcessRunId::mint(),
        };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        assert_eq!("nonsense".parse::<RunCursor>(), Err(InvalidCursor));
        assert_eq!("1~nonsense".parse::<RunCursor>(), Err(InvalidCursor));
    }
}
