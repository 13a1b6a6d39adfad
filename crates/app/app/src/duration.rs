//! Lengths of time for people.
use jiff::SignedDuration;

/// A length of time, in its largest sensible unit.
pub fn format_duration(duration: SignedDuration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        ..1 => format!("{} ms", duration.as_millis()),
        1..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}
