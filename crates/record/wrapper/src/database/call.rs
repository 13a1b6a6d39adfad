//! One call of a contract function: its name and its arguments, by name.

use jiff::Timestamp;
use serde_json::Value as Json;
use tokio_postgres::types::{ToSql, Type};
use uuid::Uuid;

use crate::{database::Interval, error::Error, types::IdempotencyKey};

/// An argument's value with the SQL type it is sent as. Types are always named, so that no statement
/// has to be prepared to learn them.
#[derive(Debug)]
pub(crate) enum Value {
    Text(Option<String>),
    Texts(Option<Vec<String>>),
    Uuid(Option<Uuid>),
    Uuids(Vec<Uuid>),
    Json(Json),
    Integer(i32),
    Bigint(i64),
    Boolean(bool),
    Time(Option<Timestamp>),
    /// Sent as text, cast to interval in the statement: the driver has no interval of its own.
    Interval(String),
    /// So long from the moment of the call, or never, by the database's clock.
    FromNow(Option<String>),
    /// The moment of the call by the database's clock, or none: a client's clock may be wrong.
    DatabaseClock(bool),
}

impl Value {
    pub(crate) fn sql_type(&self) -> Type {
        match self {
            Self::Text(_) | Self::Interval(_) | Self::FromNow(_) => Type::TEXT,
            Self::Texts(_) => Type::TEXT_ARRAY,
            Self::Uuid(_) => Type::UUID,
            Self::Uuids(_) => Type::UUID_ARRAY,
            Self::Json(_) => Type::JSONB,
            Self::Integer(_) => Type::INT4,
            Self::Bigint(_) => Type::INT8,
            Self::Boolean(_) | Self::DatabaseClock(_) => Type::BOOL,
            Self::Time(_) => Type::TIMESTAMPTZ,
        }
    }

    pub(crate) fn as_sql(&self) -> &(dyn ToSql + Sync) {
        match self {
            Self::Text(value) => value,
            Self::Texts(value) => value,
            Self::Uuid(value) => value,
            Self::Uuids(value) => value,
            Self::Json(value) => value,
            Self::Integer(value) => value,
            Self::Bigint(value) => value,
            Self::Boolean(value) | Self::DatabaseClock(value) => value,
            Self::Time(value) => value,
            Self::Interval(value) => value,
            Self::FromNow(value) => value,
        }
    }

    /// What stands in the statement for the value that is sent as this parameter.
    fn expression(&self, parameter: usize) -> String {
        match self {
            Self::Interval(_) => format!("${parameter}::interval"),
            Self::FromNow(_) => format!("clock_timestamp() + ${parameter}::interval"),
            Self::DatabaseClock(_) => format!("CASE WHEN ${parameter} THEN clock_timestamp() END"),
            _ => format!("${parameter}"),
        }
    }

    /// PostgreSQL stores no NUL character, in no text and in no JSON. Its own answers differ by
    /// version and place; this one names the argument.
    pub(crate) fn check_no_nul(&self, argument: &str) -> Result<(), Error> {
        let has_nul = match self {
            Self::Text(Some(text)) => text.contains('\0'),
            Self::Json(json) => json_has_nul(json),
            _ => false,
        };
        if has_nul {
            return Err(Error::InvalidText {
                argument: argument.to_owned(),
            });
        }
        Ok(())
    }
}

fn json_has_nul(json: &Json) -> bool {
    match json {
        Json::String(text) => text.contains('\0'),
        Json::Array(items) => items.iter().any(json_has_nul),
        Json::Object(members) => members
            .iter()
            .any(|(name, value)| name.contains('\0') || json_has_nul(value)),
        _ => false,
    }
}

/// Makes values of what the layers hold, so that a call reads as a list of names and things.
macro_rules! value_from {
    ($($from:ty => |$it:ident| $value:expr),+ $(,)?) => {$(
        impl From<$from> for Value {
            fn from($it: $from) -> Self {
                $value
            }
        }
    )+};
}

value_from! {
    &str => |it| Value::Text(Some(it.to_owned())),
    String => |it| Value::Text(Some(it)),
    Option<&str> => |it| Value::Text(it.map(str::to_owned)),
    Option<String> => |it| Value::Text(it),
    &Option<String> => |it| Value::Text(it.clone()),
    Uuid => |it| Value::Uuid(Some(it)),
    Option<Uuid> => |it| Value::Uuid(it),
    Json => |it| Value::Json(it),
    &Json => |it| Value::Json(it.clone()),
    i32 => |it| Value::Integer(it),
    i64 => |it| Value::Bigint(it),
    bool => |it| Value::Boolean(it),
    Option<Timestamp> => |it| Value::Time(it),
    Timestamp => |it| Value::Time(Some(it)),
    Interval => |it| Value::Interval(it.to_sql_text()),
}

macro_rules! value_from_names {
    ($($name:ident),+) => {$(
        impl From<&crate::types::$name> for Value {
            fn from(name: &crate::types::$name) -> Self {
                Value::Text(Some(name.as_str().to_owned()))
            }
        }

        impl From<Option<&crate::types::$name>> for Value {
            fn from(name: Option<&crate::types::$name>) -> Self {
                Value::Text(name.map(|name| name.as_str().to_owned()))
            }
        }
    )+};
}
value_from_names!(DotCode, CandidateCode, Actor, CorrelationId, IdempotencyKey);

macro_rules! value_from_words {
    ($($word:ident),+) => {$(
        impl From<crate::types::$word> for Value {
            fn from(word: crate::types::$word) -> Self {
                Value::Text(Some(word.to_string()))
            }
        }

        impl From<Option<crate::types::$word>> for Value {
            fn from(word: Option<crate::types::$word>) -> Self {
                Value::Text(word.map(|word| word.to_string()))
            }
        }
    )+};
}
value_from_words!(
    EvidenceType,
    StoredStatus,
    WrapperStatus,
    ComponentRole,
    Verdict
);

macro_rules! value_from_ids {
    ($($id:ident),+) => {$(
        impl From<crate::types::$id> for Value {
            fn from(id: crate::types::$id) -> Self {
                Value::Uuid(Some(id.as_uuid()))
            }
        }

        impl From<Option<crate::types::$id>> for Value {
            fn from(id: Option<crate::types::$id>) -> Self {
                Value::Uuid(id.map(|id| id.as_uuid()))
            }
        }
    )+};
}
value_from_ids!(
    ProcessRunId,
    ComponentRunId,
    LeaseToken,
    RequestId,
    ClaimToken
);

/// Whether a call may be made again when its outcome is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Idempotency {
    /// It only reads, or its idempotency key makes the second call return the first one's answer.
    Idempotent,
    /// A second call could write a second time.
    Never,
}

impl Idempotency {
    /// A keyed recording may be repeated; one without a key may not, nor one whose key is blank.
    pub(crate) fn by_key(key: Option<&IdempotencyKey>) -> Self {
        if IdempotencyKey::non_blank(key).is_some() {
            Self::Idempotent
        } else {
            Self::Never
        }
    }
}

/// One call of a contract function with named arguments.
#[derive(Debug)]
pub(crate) struct Call {
    function: &'static str,
    arguments: Vec<(&'static str, Value)>,
    pub(crate) repeat: Idempotency,
}

impl Call {
    pub(crate) fn to(function: &'static str) -> Self {
        Self {
            function,
            arguments: Vec::new(),
            repeat: Idempotency::Never,
        }
    }

    pub(crate) fn with(mut self, argument: &'static str, value: impl Into<Value>) -> Self {
        self.arguments.push((argument, value.into()));
        self
    }

    /// A call that only reads.
    pub(crate) fn idempotent(self) -> Self {
        self.with_idempotency(Idempotency::Idempotent)
    }

    pub(crate) fn with_idempotency(mut self, repeat: Idempotency) -> Self {
        self.repeat = repeat;
        self
    }

    /// The statement that reads all its rows.
    pub(crate) fn statement(&self, quoted_schema: &str) -> String {
        format!("SELECT * FROM {}", self.expression(quoted_schema))
    }

    /// The call expression: schema-qualified, because a pooler's session may have any search path, and with named
    /// arguments, because the contract guarantees names.
    fn expression(&self, quoted_schema: &str) -> String {
        let arguments: Vec<String> = self
            .arguments
            .iter()
            .enumerate()
            .map(|(index, (name, value))| format!("{name} => {}", value.expression(index + 1)))
            .collect();
        format!(
            "{quoted_schema}.{}({})",
            self.function,
            arguments.join(", ")
        )
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &Value> {
        self.arguments.iter().map(|(_, value)| value)
    }

    pub(crate) fn refuse_nul(&self) -> Result<(), Error> {
        self.arguments
            .iter()
            .try_for_each(|(name, value)| value.check_no_nul(name.trim_start_matches("p_")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_key_that_counts_makes_a_recording_repeatable() {
        let by_key =
            |key: Option<&str>| Idempotency::by_key(key.map(IdempotencyKey::from).as_ref());
        assert_eq!(by_key(Some("nightly-1")), Idempotency::Idempotent);
        for blank in [None, Some(""), Some(" \t\u{a0}")] {
            assert_eq!(by_key(blank), Idempotency::Never, "{blank:?}");
        }
    }
}
