//! Logs, in the form of the other messages: what goes wrong on the way is a warning like any other.
use std::fmt;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::arguments::GlobalArguments;
use crate::output::{Cell, CellStyle, Messages};

/// Logs go to standard error: warnings, more with `-v`, none with `-q`, or as `DOTWRAP_LOG` says.
pub(crate) fn start(global: &GlobalArguments, messages: Messages) {
    let filter = std::env::var("DOTWRAP_LOG")
        .ok()
        .filter(|text| !text.trim().is_empty())
        .and_then(|text| EnvFilter::try_new(text).ok())
        .unwrap_or_else(|| EnvFilter::new(global.log_filter()));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(move || messages.stream())
        .event_format(AsMessages)
        .init();
}

struct AsMessages;

impl<S, N> FormatEvent<S, N> for AsMessages
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        let mut text = String::new();
        context.format_fields(Writer::new(&mut text), event)?;
        // Written as a cell: an error may repeat what a server said.
        let text = Cell::plain(text);
        match *metadata.level() {
            Level::ERROR | Level::WARN => {
                writeln!(
                    writer,
                    "{} {text}",
                    Cell::toned("warning:", CellStyle::Caution)
                )
            }
            level => {
                let place = format!("{level} {}:", metadata.target());
                writeln!(writer, "{} {text}", Cell::toned(place, CellStyle::Faint))
            }
        }
    }
}
