//! Arguments that several commands take.
use std::path::Path;

use clap::Args;
use clap::builder::RangedU64ValueParser;
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp, civil::DateTime, tz::TimeZone};
use serde_json::Value;
use uuid::Uuid;

pub(super) use crate::session::ActorArgs;

/// Who makes a change, and why.
#[derive(Clone, Debug, Args)]
pub(super) struct ChangeArgs {
    /// Why; it stays on record
    #[arg(long, value_name = "TEXT")]
    pub(super) reason: String,
    #[command(flatten)]
    pub(super) acting: ActorArgs,
}

/// What every recording call may say.
#[derive(Clone, Debug, Args)]
pub(super) struct RecordingArgs {
    #[command(flatten)]
    pub(super) acting: ActorArgs,
    /// Idempotency key: a second call with it returns the first run
    #[arg(long, value_name = "KEY")]
    pub(super) key: Option<String>,
    /// The run that this one is part of
    #[arg(long, value_name = "UUID")]
    pub(super) parent: Option<Uuid>,
    /// What the tool is given: a path, a URL, a fixture; a relative path of a file that exists is recorded as an
    /// absolute one
    #[arg(long, value_name = "REF", value_parser = input_ref)]
    pub(super) input: Option<String>,
    /// Where the output is
    #[arg(long, value_name = "REF")]
    pub(super) output_ref: Option<String>,
    /// Where to look, when it failed
    #[arg(long, value_name = "REF")]
    pub(super) error_ref: Option<String>,
    /// Further facts, as a JSON object
    #[arg(long, value_name = "JSON", value_parser = object)]
    pub(super) evidence: Option<Value>,
}

/// What the tool is given. A file's relative path means something in this working folder only: it is made absolute.
pub(super) fn input_ref(text: &str) -> Result<String, String> {
    let path = Path::new(text);
    if !path.is_relative() || !path.exists() {
        return Ok(text.to_owned());
    }
    let absolute = std::path::absolute(path)
        .map_err(|error| format!("the working folder cannot be found: {error}"))?;
    absolute
        .into_os_string()
        .into_string()
        .map_err(|_| "the path of the working folder is not UTF-8".to_owned())
}

/// How many rows a list may have. None at all would look like an empty ledger.
pub(super) fn at_least_one() -> RangedU64ValueParser<u32> {
    RangedU64ValueParser::new().range(1..)
}

/// A length of time on the command line, like `15m`, `36h` or `30d`. A day has 24 hours; months and years have no
/// length.
pub(super) fn duration(text: &str) -> Result<SignedDuration, String> {
    let span: Span = text.parse().map_err(|_| NO_DURATION.to_owned())?;
    match span.to_duration(SpanRelativeTo::days_are_24_hours()) {
        Ok(duration) if !duration.is_negative() => Ok(duration),
        _ => Err(NO_DURATION.to_owned()),
    }
}

/// A moment on the command line: a time with an offset, a local time or date, or how long ago.
pub(super) fn moment(text: &str) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    if let Ok(local) = text.parse::<DateTime>() {
        let zoned = local.to_zoned(TimeZone::system());
        return zoned
            .map(|zoned| zoned.timestamp())
            .map_err(|error| error.to_string());
    }
    let ago = duration(text).map_err(|_| NO_MOMENT.to_owned())?;
    Timestamp::now()
        .checked_sub(ago)
        .map_err(|error| error.to_string())
}

const NO_MOMENT: &str = "expected a time like 2026-11-29T02:00:00+01:00, a local time or date, or how long ago, like 36h";

const NO_DURATION: &str = "expected a length of time, like 90s, 15m, 36h, 30d or 8w";

/// A JSON object on the command line.
fn object(text: &str) -> Result<Value, String> {
    match serde_json::from_str(text) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err("expected a JSON object, like {\"ticket\": 7}".to_owned()),
        Err(error) => Err(format!("not JSON: {error}")),
    }
}

/// Sets what every recording call may say, on any of the library's descriptions: they are different types with these
/// fields in common.
macro_rules! describe {
    ($call:ident, $recorded:expr, $session:ident) => {
        let recorded: $crate::commands::shared::RecordingArgs = $recorded;
        $call.actor = Some($session.actor(recorded.acting));
        $call.idempotency_key = recorded.key.map(dotwrap_wrapper::IdempotencyKey::new);
        $call.parent_run_id = recorded.parent.map(dotwrap_wrapper::ProcessRunId::from);
        $call.input_ref = recorded.input;
        $call.output_ref = recorded.output_ref;
        $call.error_ref = recorded.error_ref;
        $call.evidence_ref = recorded.evidence.unwrap_or($call.evidence_ref);
    };
}
pub(super) use describe;
