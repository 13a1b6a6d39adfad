//! Times for people: in their own time zone, with its offset. JSON has them in UTC, as RFC 3339.
use jiff::{Timestamp, tz::TimeZone};

/// A point in time, to the second.
pub(crate) fn format_time(time: Timestamp) -> String {
    formatted(time, TimeZone::system(), "%Y-%m-%d %H:%M:%S%:z")
}

/// A point in time, to the minute, for tables that have no room for more. An offset of whole hours has no minutes.
pub(crate) fn format_minute(time: Timestamp) -> String {
    minute(time, TimeZone::system())
}

fn minute(time: Timestamp, zone: TimeZone) -> String {
    let text = formatted(time, zone, "%Y-%m-%d %H:%M%:z");
    text.strip_suffix(":00").map(str::to_owned).unwrap_or(text)
}

fn formatted(time: Timestamp, zone: TimeZone, format: &str) -> String {
    time.to_zoned(zone).strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    use jiff::tz::Offset;

    use super::*;

    #[test]
    fn a_time_carries_its_offset() {
        let shown = |minutes: i32| {
            let offset = Offset::from_seconds(minutes * 60).unwrap_or(Offset::UTC);
            minute(Timestamp::UNIX_EPOCH, TimeZone::fixed(offset))
        };
        assert_eq!(shown(0), "1970-01-01 00:00+00");
        assert_eq!(shown(330), "1970-01-01 05:30+05:30");
        assert_eq!(shown(-480), "1969-12-31 16:00-08");
    }
}
