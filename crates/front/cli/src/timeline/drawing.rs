//! How a timeline looks: one line a layer, its facts beneath, joined by a rail.

use std::fmt::Write;

use jiff::{Timestamp, tz::TimeZone};

use crate::output::{Cell, CellStyle};

/// One layer of a run.
#[derive(Debug)]
pub(crate) struct Layer {
    name: &'static str,
    tone: CellStyle,
    time: Option<Timestamp>,
    headline: Vec<Cell>,
    facts: Vec<(&'static str, Cell)>,
}

impl Layer {
    pub(crate) fn new(name: &'static str, tone: CellStyle) -> Self {
        Self {
            name,
            tone,
            time: None,
            headline: Vec::new(),
            facts: Vec::new(),
        }
    }

    /// When it was, where the ledger says so.
    pub(crate) fn at(mut self, time: Option<Timestamp>) -> Self {
        self.time = time;
        self
    }

    /// Adds to the layer's own line.
    pub(crate) fn headline(mut self, cell: Cell) -> Self {
        self.headline.push(cell);
        self
    }

    /// Adds a line beneath, where there is a value.
    pub(crate) fn field(
        mut self,
        label: &'static str,
        value: Option<impl std::fmt::Display>,
    ) -> Self {
        if let Some(value) = value {
            self.facts.push((label, Cell::plain(value)));
        }
        self
    }
}

const TIME_WIDTH: usize = "00:00:00.000".len();
const NAME_WIDTH: usize = "PREFLIGHT".len();
const LABEL_WIDTH: usize = "correlation".len();

/// Draws the layers from top to bottom.
pub(crate) fn draw(layers: &[Layer]) -> String {
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
    let headline: Vec<_> = layer.headline.iter().map(Cell::to_string).collect();
    writeln!(text, "  {time} {mark} {name}  {}", headline.join(" · "))?;
    let rail = Cell::toned(if is_last { " " } else { "│" }, CellStyle::Faint);
    for (label, value) in &layer.facts {
        let label = Cell::toned(format!("{label:LABEL_WIDTH$}"), CellStyle::Faint);
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
