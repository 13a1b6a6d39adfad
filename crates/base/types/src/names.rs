//! The texts that name things, each a type of its own.

use std::{borrow::Cow, convert::Infallible, fmt, str::FromStr};

use postgres_types::{FromSql, Type};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Declares a text of the contract that must not be mistaken for another.
macro_rules! name {
    ($(#[$documentation:meta])* $name:ident) => {
        $(#[$documentation])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes the text as it is; the database judges it.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }

        impl From<&$name> for $name {
            fn from(name: &$name) -> Self {
                name.clone()
            }
        }

        impl FromStr for $name {
            type Err = Infallible;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Ok(Self(text.to_owned()))
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.pad(&self.0)
            }
        }

        impl<'a> FromSql<'a> for $name {
            fn from_sql(
                sql_type: &Type,
                raw: &'a [u8],
            ) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
                String::from_sql(sql_type, raw).map(Self)
            }

            fn accepts(sql_type: &Type) -> bool {
                <String as FromSql>::accepts(sql_type)
            }
        }
    };
}

name! {
    /// The code under which a DOT is registered in `dot_tools`, at most 200 characters and without a
    /// colon, e.g. `DOT_KG_EXPLAIN`.
    DotCode
}

name! {
    /// The process that runs are evidence for, at most 200 characters, e.g. `PROC-CAND:dot:kg`.
    CandidateCode
}

name! {
    /// The actor, as the caller names it, at most 200 characters. The database also stores the session's login as
    /// `recorded_by`, which no caller can choose.
    Actor
}

name! {
    /// The text that joins header, components, events, logs and traces of one run, at most 500
    /// characters.
    CorrelationId
}

name! {
    /// A caller's name for one call, at most 500 characters. A key that was used returns what the
    /// first call recorded and writes nothing; with another candidate, DOT, evidence type or
    /// correlation it is refused as `idempotency_conflict`.
    IdempotencyKey
}

/// The longest correlation the contract takes, in characters.
const LONGEST_CORRELATION: usize = 500;

/// What a correlation that was derived from a key begins with.
const DERIVED_FROM_KEY: &str = "key:";

/// The namespace in which over-long keys are digested; any constant does, as long as it stays.
const DERIVATION_NAMESPACE: Uuid = Uuid::from_u128(0x0192_9c1e_5f00_7d07_9d07_7772_6170_0001);

impl CorrelationId {
    /// A new one that sorts by the time it was made, so that the ledger's indexes grow at their end.
    pub fn mint() -> Self {
        Self(Uuid::now_v7().to_string())
    }

    /// The correlation of a keyed call whose caller named none: the same for the same key, so that a
    /// retry is the same call and not a conflict with the first one.
    ///
    /// It is the key with `key:` before it. A key too long for that is cut, and its digest appended.
    pub fn derived_from(key: &IdempotencyKey) -> Self {
        let plain = format!("{DERIVED_FROM_KEY}{key}");
        if plain.chars().count() <= LONGEST_CORRELATION {
            return Self(plain);
        }
        let digest = Uuid::new_v5(&DERIVATION_NAMESPACE, key.as_str().as_bytes());
        let kept = LONGEST_CORRELATION - 1 - uuid::fmt::Hyphenated::LENGTH;
        Self(
            plain
                .chars()
                .take(kept)
                .chain("#".chars())
                .collect::<String>()
                + &digest.to_string(),
        )
    }

    /// The caller's own, else the one derived from the key, else a new one.
    pub fn resolve<'a>(
        given: Option<&'a CorrelationId>,
        key: Option<&IdempotencyKey>,
    ) -> Cow<'a, CorrelationId> {
        match (given, IdempotencyKey::non_blank(key)) {
            (Some(given), _) => Cow::Borrowed(given),
            (None, Some(key)) => Cow::Owned(Self::derived_from(key)),
            (None, None) => Cow::Owned(Self::mint()),
        }
    }
}

impl IdempotencyKey {
    /// The key, unless it is blank: the contract takes a blank key for none.
    pub fn non_blank(key: Option<&Self>) -> Option<&Self> {
        key.filter(|key| !key.0.trim().is_empty())
    }

    /// A new one that sorts by the time it was made.
    pub fn mint() -> Self {
        Self(Uuid::now_v7().to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minted_correlation_sorts_behind_the_one_before() {
        let minted: Vec<_> = (0..100).map(|_| CorrelationId::mint()).collect();
        assert!(minted.is_sorted());
    }

    #[test]
    fn the_same_key_gives_the_same_correlation() {
        let key = IdempotencyKey::new("nightly-2026-01-01");
        assert_eq!(
            CorrelationId::derived_from(&key).as_str(),
            "key:nightly-2026-01-01"
        );
        assert_eq!(
            CorrelationId::derived_from(&key),
            CorrelationId::derived_from(&key)
        );
    }

    #[test]
    fn a_key_of_full_length_still_gives_a_correlation_that_fits_and_differs() {
        let correlation = |last: char| {
            let key: String = "é".repeat(499) + &last.to_string();
            CorrelationId::derived_from(&IdempotencyKey::new(key))
        };
        assert_eq!(
            correlation('a').as_str().chars().count(),
            LONGEST_CORRELATION
        );
        assert_ne!(correlation('a'), correlation('b'));
    }

    #[test]
    fn explicit_correlation_takes_precedence_over_the_key() {
        let given = CorrelationId::new("mine");
        let key = IdempotencyKey::new("k");
        assert_eq!(*CorrelationId::resolve(Some(&given), Some(&key)), given);
        assert_eq!(CorrelationId::resolve(None, Some(&key)).as_str(), "key:k");
    }

    #[test]
    fn a_blank_key_gives_no_correlation_that_others_would_share() {
        let blank = IdempotencyKey::new(" \u{a0}\u{3000}");
        assert_ne!(
            CorrelationId::resolve(None, Some(&blank)),
            CorrelationId::resolve(None, Some(&blank))
        );
    }
}
