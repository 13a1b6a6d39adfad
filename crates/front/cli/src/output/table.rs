//! Rows as aligned text: no frames, so that it reads well and `awk` can read it too.
use comfy_table::{Attribute, Color, ColumnConstraint, ContentArrangement, Table, Width};

use super::{Cell, CellStyle};

/// One column of a table: its title, and how to read it from a row.
pub(crate) struct Column<Row> {
    title: &'static str,
    read: fn(&Row) -> Cell,
    /// Ids and codes are copied by people: they are never broken over two lines.
    whole: bool,
    /// What it keeps at least where it is wrapped.
    min_width: u16,
}

impl<Row> Column<Row> {
    /// A column whose text may be wrapped on a narrow terminal.
    pub(crate) const fn new(title: &'static str, read: fn(&Row) -> Cell) -> Self {
        Self {
            title,
            read,
            whole: false,
            min_width: MIN_WIDTH,
        }
    }

    /// A column whose text is never wrapped.
    pub(crate) const fn whole(title: &'static str, read: fn(&Row) -> Cell) -> Self {
        Self {
            title,
            read,
            whole: true,
            min_width: MIN_WIDTH,
        }
    }

    /// The same column, wrapped to no less than so many characters.
    pub(crate) const fn at_least(self, min_width: u16) -> Self {
        Self { min_width, ..self }
    }
}

const SPACE_BETWEEN: u16 = 2;

/// What is wrapped keeps at least this width: text of one letter a line cannot be read. Where a terminal has no room
/// for that, nothing is wrapped, and lines run over its edge as they do through a pipe.
const MIN_WIDTH: u16 = 16;

/// How a table is laid out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    /// The terminal's width, where there is one.
    pub(super) width: Option<u16>,
    /// Whether tones become colours.
    pub(super) coloured: bool,
}

impl Layout {
    /// Whether a terminal of at least this width is there.
    pub(crate) fn is_at_least(self, columns: u16) -> bool {
        self.width.is_some_and(|width| width >= columns)
    }

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
    let least = columns.iter().map(|column| least_width(rows, column));
    let least: Vec<u16> = least.collect();
    let needed = least
        .iter()
        .fold(0_u16, |sum, width| sum.saturating_add(*width))
        // Nothing stands behind the last column.
        .saturating_sub(SPACE_BETWEEN);
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    arrange(&mut table, layout.width.filter(|width| needed <= *width));
    if layout.coloured {
        table.enforce_styling();
    }
    table.set_header(
        columns
            .iter()
            .map(|column| comfy(&Cell::toned(column.title, CellStyle::Strong))),
    );
    for row in rows {
        table.add_row(columns.iter().map(|column| comfy(&(column.read)(row))));
    }
    let last = columns.len().saturating_sub(1);
    for (place, ((drawn, column), least)) in
        table.column_iter_mut().zip(columns).zip(least).enumerate()
    {
        let (space, least) = match place == last {
            true => (0, least.saturating_sub(SPACE_BETWEEN)),
            false => (SPACE_BETWEEN, least),
        };
        drawn.set_padding((0, space));
        drawn.set_constraint(if column.whole {
            ColumnConstraint::ContentWidth
        } else {
            ColumnConstraint::LowerBoundary(Width::Fixed(least))
        });
    }
    without_trailing_space(&table.to_string())
}

/// The least that a column takes with the space behind it: all of it where it is kept whole.
fn least_width<Row>(rows: &[Row], column: &Column<Row>) -> u16 {
    let cells = rows.iter().map(|row| {
        let cell = (column.read)(row);
        cell.text.lines().map(|line| line.chars().count()).max()
    });
    let widest = cells.flatten().fold(column.title.len(), usize::max);
    let widest = u16::try_from(widest).unwrap_or(u16::MAX);
    let least = if column.whole {
        widest
    } else {
        widest.min(column.min_width)
    };
    least.saturating_add(SPACE_BETWEEN)
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
        CellStyle::Plain => drawn,
        CellStyle::Strong => drawn.add_attribute(Attribute::Bold),
        CellStyle::Faint => drawn.add_attribute(Attribute::Dim),
        CellStyle::Good => drawn.fg(Color::Green),
        CellStyle::Notice => drawn.fg(Color::Cyan),
        CellStyle::Caution => drawn.fg(Color::Yellow),
        CellStyle::Bad => drawn.fg(Color::Red),
    }
}

fn without_trailing_space(text: &str) -> String {
    text.lines()
        .map(|line| line.trim_end().to_owned() + "\n")
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[Column<(String, &str)>] = &[
        Column::whole("CODE", |row| Cell::plain(&row.0)),
        Column::new("WHAT IS MISSING", |row| Cell::plain(row.1)),
    ];

    fn drawn(code: &str, width: u16) -> Vec<String> {
        let layout = Layout {
            width: Some(width),
            coloured: false,
        };
        let rows = [(
            code.to_owned(),
            "a dry run, with a receipt, in a mode that changes nothing",
        )];
        draw(&rows, COLUMNS, layout)
            .lines()
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn text_is_wrapped_where_there_is_room_for_words() {
        let lines = drawn("PROC-CAND:dot:kg", 50);
        assert!(lines.len() > 2, "{lines:?}");
        assert!(lines.iter().all(|line| line.len() <= 50), "{lines:?}");
    }

    #[test]
    fn nothing_is_wrapped_to_one_letter_a_line() {
        let lines = drawn(&"PROC-CAND:".repeat(4), 50);
        assert_eq!(lines.len(), 2, "{lines:?}");
    }
}
