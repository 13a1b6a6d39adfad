//! Refusals of the contract as values.

use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::Value;
use strum::{AsRefStr, EnumString, VariantNames};
use tokio_postgres::error::{DbError, SqlState};

/// The code of a refusal, the same from SQL to exit status, HTTP problem and console text.
///
/// The catalogue is the contract's; [`RefusalCode::Other`] keeps the code of a newer contract than
/// this client knows.
#[derive(Clone, Debug, PartialEq, Eq, Hash, AsRefStr, EnumString, VariantNames)]
#[strum(serialize_all = "snake_case")]
#[non_exhaustive]
#[expect(
    missing_docs,
    reason = "the hint that comes with each refusal says what it means and what to do"
)]
pub enum RefusalCode {
    ActorRequired,
    BackfillOnly,
    BackfillRowInvalid,
    CandidatePairMismatch,
    CandidateRequired,
    CandidateUnknown,
    CheckInvalid,
    ContractInvalid,
    ContractMissing,
    CorrelationMismatch,
    CorrelationRequired,
    DigestInvalid,
    DryRunContradiction,
    EndpointMissing,
    EventTypeUnknown,
    EvidenceRefInvalid,
    EvidenceTypeInvalid,
    ExpiryInvalid,
    FixtureDigestMismatch,
    FixtureMissing,
    GateUnknown,
    GateValueInvalid,
    HolderRequired,
    IdInUse,
    IdempotencyConflict,
    InvocationMismatch,
    InvocationRequired,
    KeyReserved,
    LeaseHeld,
    LeaseLimit,
    LeaseLost,
    LoginMismatch,
    /// Another transaction is just changing the same thing.
    Busy,
    LeaseNameInvalid,
    LedgerAppendOnly,
    ModeInvalid,
    ModeNotAllowed,
    NamespaceForbidden,
    NoExecute,
    NoOutput,
    NotAProducer,
    OutputEventInvalid,
    PairIncomplete,
    PreflightBlocked,
    RealRunDisabled,
    ReasonRequired,
    RoleInvalid,
    RunConcluded,
    RunUnknown,
    /// The transaction's snapshot is older than the state that it would decide by.
    SnapshotTooOld,
    SourceRequired,
    StatusInvalid,
    TextInvalid,
    TextTooLong,
    TimeInvalid,
    ToolInvalid,
    ToolRetired,
    TtlInvalid,
    UnknownDot,
    VerdictInvalid,
    /// A code that this client does not know; the contract is newer.
    #[strum(default, transparent)]
    Other(String),
}

/// What kind of thing was refused: the column `kind` of `v_dot_refusal_code`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, AsRefStr)]
#[strum(serialize_all = "snake_case")]
pub enum RefusalKind {
    /// An argument is missing, malformed, contradicts another, or names what is not there. The same
    /// call is refused for ever.
    Argument,
    /// A valid call that is not allowed now: by a gate, a preflight check or a contract.
    Blocked,
    /// Another caller holds the lease, or it was lost. A retry may succeed.
    Lease,
    /// The key or the id was used for something else.
    Conflict,
}

impl RefusalCode {
    /// The code as the contract spells it, e.g. `lease_held`.
    pub fn as_str(&self) -> &str {
        self.as_ref()
    }

    /// The codes that this client knows, as the contract spells them.
    pub fn from_code() -> impl Iterator<Item = RefusalCode> {
        Self::VARIANTS
            .iter()
            .filter_map(|name| name.parse().ok())
            .filter(|code| !matches!(code, Self::Other(_)))
    }

    /// What kind of thing was refused. A code that this client does not know counts as
    /// [`RefusalKind::Blocked`]: something said no.
    pub fn kind(&self) -> RefusalKind {
        use RefusalCode::*;
        match self {
            ActorRequired | BackfillRowInvalid | CandidateRequired | CandidateUnknown
            | CheckInvalid | ContractInvalid | CorrelationMismatch | CorrelationRequired
            | DigestInvalid | DryRunContradiction | EventTypeUnknown | EvidenceRefInvalid
            | EvidenceTypeInvalid | ExpiryInvalid | GateUnknown | GateValueInvalid
            | HolderRequired | KeyReserved | LeaseNameInvalid | ModeInvalid | ModeNotAllowed
            | NoOutput | NotAProducer | OutputEventInvalid | PairIncomplete | ReasonRequired
            | RoleInvalid | RunUnknown | SourceRequired | StatusInvalid | TextInvalid
            | TextTooLong | TimeInvalid | ToolInvalid | TtlInvalid | UnknownDot
            | VerdictInvalid => RefusalKind::Argument,
            BackfillOnly
            | CandidatePairMismatch
            | ContractMissing
            | EndpointMissing
            | FixtureDigestMismatch
            | FixtureMissing
            | InvocationMismatch
            | InvocationRequired
            | LeaseLimit
            | LedgerAppendOnly
            | LoginMismatch
            | NamespaceForbidden
            | NoExecute
            | PreflightBlocked
            | RealRunDisabled
            | RunConcluded
            | ToolRetired
            | Other(_) => RefusalKind::Blocked,
            LeaseHeld | LeaseLost | Busy | SnapshotTooOld => RefusalKind::Lease,
            IdInUse | IdempotencyConflict => RefusalKind::Conflict,
        }
    }
}

impl fmt::Display for RefusalCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl Serialize for RefusalCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A refused call: nothing of it was written, no lease is held for it.
#[derive(Clone, Debug, PartialEq, Serialize, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct Refusal {
    /// The violated rule. Match on this.
    pub code: RefusalCode,
    /// What was refused, for a person.
    pub message: String,
    /// The facts, for a program: an object that repeats the code as `code`.
    pub detail: Value,
    /// What to do about it, for a person.
    pub hint: Option<String>,
}

impl Refusal {
    /// What kind of thing was refused.
    pub fn kind(&self) -> RefusalKind {
        self.code.kind()
    }

    /// The refusal in a database error, if it is one.
    ///
    /// The code stands in the CONSTRAINT field. Some poolers and distributed planners drop that field,
    /// and a table's own constraint may stand there: then the code in DETAIL counts.
    pub(crate) fn in_database_error(error: &DbError) -> Option<Self> {
        if !REFUSAL_SQLSTATES.contains(error.code()) {
            return None;
        }
        let detail: Option<Value> = error
            .detail()
            .and_then(|text| serde_json::from_str(text).ok());
        let spoken = detail
            .as_ref()
            .and_then(|detail| detail.get("code"))
            .and_then(Value::as_str);
        let known = error
            .constraint()
            .map(RefusalCode::from)
            .filter(|code| !matches!(code, RefusalCode::Other(_)));
        let code = known.or_else(|| spoken.map(RefusalCode::from))?;
        Some(Self {
            message: error.message().to_owned(),
            detail: detail.unwrap_or_else(|| serde_json::json!({ "code": code.as_str() })),
            hint: error.hint().map(str::to_owned),
            code,
        })
    }

    /// A refusal that the database expresses by a result instead of an error, such as the null for a held lease.
    pub(crate) fn from_payload(
        code: RefusalCode,
        message: String,
        mut detail: Value,
        hint: Option<String>,
    ) -> Self {
        if let Some(detail) = detail.as_object_mut() {
            detail.insert("code".to_owned(), code.as_str().into());
        }
        Self {
            code,
            message,
            detail,
            hint,
        }
    }
}

/// The SQLSTATEs under which the contract refuses.
const REFUSAL_SQLSTATES: [SqlState; 5] = [
    SqlState::CHECK_VIOLATION,
    SqlState::UNIQUE_VIOLATION,
    SqlState::LOCK_NOT_AVAILABLE,
    SqlState::INSUFFICIENT_PRIVILEGE,
    SqlState::T_R_SERIALIZATION_FAILURE,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusal_code_round_trips_through_text() {
        assert_eq!(RefusalCode::from_code().count(), 60);
        for code in RefusalCode::from_code() {
            assert_eq!(RefusalCode::from(code.as_str()), code);
        }
    }

    /// No gate opens a mode that is never executed: the caller has to name another.
    #[test]
    fn mode_not_allowed_is_an_argument_error() {
        assert_eq!(RefusalCode::ModeNotAllowed.kind(), RefusalKind::Argument);
    }

    #[test]
    fn a_code_of_a_newer_contract_is_kept() {
        let code = RefusalCode::from("moon_phase_wrong");
        assert_eq!(code.as_str(), "moon_phase_wrong");
        assert_eq!(code.kind(), RefusalKind::Blocked);
    }
}
