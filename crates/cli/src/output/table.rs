//! Rows as aligned text: no frames, so that it reads well and `awk` can read it too.

use comfy_table::{Attribute, Color, ColumnConstraint, ContentArrangement, Table};

use super::{Cell, Tone};

/// One column of a table: its title, and how to read it from a row.
pub(crate) struct Column<Row> {
    title: &'static str,
    read: fn(&Row) -> Cell,
    /// Ids and codes are copied by people: they are never broken over two lines.
    whole: bool,
}

impl<Row> Column<Row> {
    /// A column whose text may be wrapped on a narrow terminal.
    pub(crate) const fn new(title: &'static str, read: fn(&Row) -> Cell) -> Self {
        Self {
            title,
            read,
            whole: false,
        }
    }

    /// A column whose text is never wrapped.
    pub(crate) const fn whole(title: &'static str, read: fn(&Row) -> Cell) -> Self {
        Self {
            title,
            read,
            whole: true,
        }
    }
}

const SPACE_BETWEEN: u16 = 2;

/// How a table is laid out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    /// The terminal's width, where there is one.
    pub(super) width: Option<u16>,
    /// Whether tones become colours.
    pub(super) coloured: bool,
}

impl Layout {
    /// The same with so many columns less, for a table that is indented.
    pub(crate) fn narrower(self, columns: usize) -> Self {
        let less = u16::try_from(columns).unwrap_or(u16::MAX);
        Self {
            width: self.width.map(|width| width.saturating_sub(less)),
            ..self
        }
    }
}

/// Draws the rows.
pub(crate) fn draw<Row>(rows: &[Row], columns: &[Column<Row>], layout: Layout) -> String {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    arrange(&mut table, layout.width);
    if layout.coloured {
        table.enforce_styling();
    }
    table.set_header(
        columns
            .iter()
            .map(|column| comfy(&Cell::toned(column.title, Tone::Strong))),
    );
    for row in rows {
        table.add_row(columns.iter().map(|column| comfy(&(column.read)(row))));
    }
    for (drawn, column) in table.column_iter_mut().zip(columns) {
        drawn.set_padding((0, SPACE_BETWEEN));
        if column.whole {
            drawn.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    without_trailing_space(&table.to_string())
}

fn arrange(table: &mut Table, width: Option<u16>) {
    match width {
        Some(width) => table
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(width),
        None => table
            .set_content_arrangement(ContentArrangement::Disabled)
            .force_no_tty(),
    };
}

fn comfy(cell: &Cell) -> comfy_table::Cell {
    let drawn = comfy_table::Cell::new(&cell.text);
    match cell.tone {
        Tone::Plain => drawn,
        Tone::Strong => drawn.add_attribute(Attribute::Bold),
        Tone::Faint => drawn.add_attribute(Attribute::Dim),
        Tone::Good => drawn.fg(Color::Green),
        Tone::Notice => drawn.fg(Color::Cyan),
        Tone::Caution => drawn.fg(Color::Yellow),
        Tone::Bad => drawn.fg(Color::Red),
    }
}

fn without_trailing_space(text: &str) -> String {
    text.lines()
        .map(|line| line.trim_end().to_owned() + "\n")
        .collect()
}
