//! Lengths of time, as PostgreSQL's `interval` carries them.

use std::{error::Error, fmt, time::Duration};

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use tokio_postgres::types::{FromSql, Type};

const MICROSECONDS_PER_DAY: i64 = 86_400_000_000;
const DAYS_PER_MONTH: i64 = 30;

/// A length of time. As JSON it is ISO 8601, e.g. `PT1.5S`; `Display` writes it for people, e.g. `1s 500ms`.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Interval(SignedDuration);

impl Interval {
    /// The length.
    pub fn as_duration(self) -> SignedDuration {
        self.0
    }

    /// The length as a text that PostgreSQL reads as an interval.
    pub(crate) fn to_sql_text(self) -> String {
        format!("{} microseconds", self.0.as_micros())
    }
}

impl From<SignedDuration> for Interval {
    fn from(duration: SignedDuration) -> Self {
        Self(duration)
    }
}

impl From<Duration> for Interval {
    fn from(duration: Duration) -> Self {
        Self(SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX))
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:#}", self.0)
    }
}

impl<'a> FromSql<'a> for Interval {
    /// Months and days count with PostgreSQL's own nominal lengths, 30 days and 24 hours, as its
    /// `extract(epoch …)` does for them.
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        let microseconds = i64::from_be_bytes(raw.get(0..8).ok_or("short interval")?.try_into()?);
        let days = i32::from_be_bytes(raw.get(8..12).ok_or("short interval")?.try_into()?);
        let months = i32::from_be_bytes(raw.get(12..16).ok_or("short interval")?.try_into()?);
        let all_days = i64::from(days) + i64::from(months) * DAYS_PER_MONTH;
        let total = all_days
            .saturating_mul(MICROSECONDS_PER_DAY)
            .saturating_add(microseconds);
        Ok(Self(SignedDuration::from_micros(total)))
    }

    fn accepts(sql_type: &Type) -> bool {
        *sql_type == Type::INTERVAL
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_read_iso_8601_and_people_words() {
        let interval = Interval::from(Duration::from_millis(90_500));
        assert_eq!(serde_json::to_value(interval).unwrap(), "PT1M30.5S");
        assert_eq!(interval.to_string(), "1m 30s 500ms");
    }
}
