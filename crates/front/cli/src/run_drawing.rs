//! A run as a timeline: one line a layer, its facts beneath, joined by a rail.
use std::fmt::Write;

use dotwrap_app::{
    Label, labels,
    run_detail::{Layer, RunDetail},
};
use jiff::{Timestamp, tz::TimeZone};

use crate::output::{Cell, CellStyle};

const TIME_WIDTH: usize = "00:00:00.000".len();
const NAME_WIDTH: usize = "PREFLIGHT".len();
const LABEL_WIDTH: usize = "correlation".len();

/// Draws a run for a terminal.
pub(crate) fn draw(detail: &RunDetail) -> String {
    let id = Cell::toned(detail.run.process_run_id, CellStyle::Notice);
    let heading = format!(
        "run {id}  {}\n{}\n{}\n",
        Cell::from(labels::run_status(&detail.run)),
        Cell::from(detail.pair()),
        Cell::from(detail.evidence_level())
    );
    format!("{heading}\n{}", draw_layers(&detail.layers()))
}

/// Draws the layers from top to bottom.
fn draw_layers(layers: &[Layer]) -> String {
    let mut text = String::new();
    let last = layers.len().saturating_sub(1);
    for (index, layer) in layers.iter().enumerate() {
        // Writing into a String does not fail.
        let _ = draw_layer(&mut text, layer, index == last);
    }
    text
}

fn draw_layer(text: &mut String, layer: &Layer, is_last: bool) -> std::fmt::Result {
    let time = Cell::toned(
        format!("{:TIME_WIDTH$}", layer.time.map(clock).unwrap_or_default()),
        CellStyle::Faint,
    );
    let mark = Cell::toned("●", layer.tone);
    let name = Cell::toned(format!("{:NAME_WIDTH$}", layer.name), CellStyle::Strong);
    let headline: Vec<_> = layer.headline.iter().map(styled).collect();
    writeln!(text, "  {time} {mark} {name}  {}", headline.join(" · "))?;
    let rail = Cell::toned(if is_last { " " } else { "│" }, CellStyle::Faint);
    for (label, value) in &layer.facts {
        let label = Cell::toned(format!("{label:LABEL_WIDTH$}"), CellStyle::Faint);
        let value = styled(value);
        writeln!(
            text,
            "  {:TIME_WIDTH$} {rail} {:NAME_WIDTH$}  {label}  {value}",
            "", ""
        )?;
    }
    Ok(())
}

fn clock(time: Timestamp) -> String {
    time.to_zoned(TimeZone::system())
        .strftime("%H:%M:%S%.3f")
        .to_string()
}

fn styled(label: &Label) -> String {
    Cell::from(label.clone()).to_string()
}
