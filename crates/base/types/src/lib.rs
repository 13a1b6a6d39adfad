//! The words of the contract as types: names, ids, postures, evidence types and statuses.
//!
//! The types do not judge. A blank actor or an unknown code travels to the database as it is and is
//! refused there, so that every client meets the same refusal. What they keep apart is meaning: a
//! correlation cannot be handed over where a key is wanted.

#[doc(hidden)]
pub use postgres_types;

mod contract;
mod evidence;
mod fixture;
mod ids;
mod names;
mod posture;
mod status;

pub use contract::{Contract, ContractDefinition};
pub use evidence::EvidenceType;
pub use fixture::Fixture;
pub use ids::{
    ClaimToken, ComponentRunId, EventId, LeaseToken, ProcessRunId, RefusalId, RequestId,
};
pub use names::{Actor, CandidateCode, CorrelationId, DotCode, IdempotencyKey};
pub use posture::Posture;
pub use status::{ComponentRole, StoredMapping, StoredStatus, Verdict, WrapperStatus};

/// Reads an enum of the contract from a text column; a word this client does not know is an error
/// that names it, never a guess.
#[doc(hidden)]
#[macro_export]
macro_rules! read_from_text_column {
    ($($type:ty),+ $(,)?) => {$(
        impl<'a> $crate::postgres_types::FromSql<'a> for $type {
            fn from_sql(
                sql_type: &$crate::postgres_types::Type,
                raw: &'a [u8],
            ) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
                let text = <&str as $crate::postgres_types::FromSql>::from_sql(sql_type, raw)?;
                text.parse()
                    .map_err(|_| format!("'{text}' is not a {} this client knows", stringify!($type)).into())
            }

            fn accepts(sql_type: &$crate::postgres_types::Type) -> bool {
                <&str as $crate::postgres_types::FromSql>::accepts(sql_type)
            }
        }
    )+};
}

/// Declares words of the contract that stand in a text column, in snake_case unless another case is named.
#[macro_export]
macro_rules! text_enum {
    ($(#[$documentation:meta])* pub enum $($words:tt)+) => {
        $crate::text_enum! { "snake_case": $(#[$documentation])* pub enum $($words)+ }
    };
    (
        $case:tt: $(#[$documentation:meta])*
        pub enum $name:ident { $( $(#[$word_documentation:meta])* $word:ident, )+ }
    ) => {
        $(#[$documentation])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash,
            strum::AsRefStr, strum::Display, strum::EnumString, strum::VariantArray,
            serde::Serialize, serde::Deserialize,
        )]
        #[strum(serialize_all = $case)]
        #[serde(rename_all = $case)]
        pub enum $name { $( $(#[$word_documentation])* $word, )+ }

        $crate::read_from_text_column!($name);
    };
}
