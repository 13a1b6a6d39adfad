//! The ids of rows, each a type of its own.

use std::{fmt, str::FromStr};

use postgres_types::{FromSql, Type};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Declares an id that must not be mistaken for another.
macro_rules! id {
    ($(#[$documentation:meta])* $name:ident) => {
        $(#[$documentation])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new one, a UUIDv7: it sorts by the time it was made, so that the ledger's indexes
            /// grow at their end.
            pub fn mint() -> Self {
                Self(Uuid::now_v7())
            }

            /// The id as a plain UUID.
            pub fn as_uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl<'a> FromSql<'a> for $name {
            fn from_sql(
                sql_type: &Type,
                raw: &'a [u8],
            ) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
                Uuid::from_sql(sql_type, raw).map(Self)
            }

            fn accepts(sql_type: &Type) -> bool {
                <Uuid as FromSql>::accepts(sql_type)
            }
        }
    };
}

/// Shows an id as its UUID.
macro_rules! shown {
    ($($name:ident),+) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.pad(&self.0.to_string())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, concat!(stringify!($name), "({})"), self.0)
            }
        }
    )+};
}

id! {
    /// One run of one pair: the key of its header row. Any UUID that a caller mints is taken.
    ProcessRunId
}

id! {
    /// One execution, or simulated execution, of one DOT inside a run.
    ComponentRunId
}

id! {
    /// One event of the outbox; consumers dedupe by it.
    EventId
}

id! {
    /// One recorded refusal.
    RefusalId
}

id! {
    /// The token that proves the holder of a lease. Its owner can release the lease, so neither `Debug` nor an error
    /// prints it.
    LeaseToken
}

id! {
    /// One request for a run.
    RequestId
}

id! {
    /// The proof that a worker has claimed a request. It is not shown, as a lease's is not.
    ClaimToken
}

shown!(ProcessRunId, ComponentRunId, EventId, RefusalId, RequestId);

impl fmt::Debug for ClaimToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ClaimToken(…)")
    }
}

impl fmt::Debug for LeaseToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("LeaseToken(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_hides_the_lease_token() {
        let token = LeaseToken::mint();
        assert!(!format!("{token:?}").contains(&token.as_uuid().to_string()));
    }

    #[test]
    fn a_minted_run_id_sorts_behind_the_one_before() {
        let minted: Vec<_> = (0..100).map(|_| ProcessRunId::mint()).collect();
        assert!(minted.is_sorted());
    }
}
