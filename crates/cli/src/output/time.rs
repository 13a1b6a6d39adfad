//! Times for people: in their own time zone. JSON has them in UTC, as RFC 3339.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

/// A point in time, to the second.
pub(crate) fn format_time(time: Timestamp) -> String {
    time.to_zoned(TimeZone::system())
        .strftime("%Y-%m-%d %H:%M:%S")
        .to_string()
}

/// A length of time, in its largest sensible unit.
pub(crate) fn format_duration(duration: SignedDuration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        ..1 => format!("{} ms", duration.as_millis()),
        1..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}
