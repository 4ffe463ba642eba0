//! Tables for people: plain columns without lines, as wide as the terminal.

use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width, presets};

pub(crate) use super::say::local;

/// A table with these headings.
pub(crate) fn table(headings: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic);
    let width = std::env::var("COLUMNS")
        .ok()
        .and_then(|columns| columns.parse().ok());
    table.set_width(width.unwrap_or(180));
    table.set_header(headings.iter().map(|heading| heading.to_uppercase()));
    table
}

/// Lets no column be narrower than its longest word, even if the table then is wider than the terminal: an id
/// or address that is broken in the middle can't be copied.
pub(crate) fn text(mut table: Table) -> String {
    let mut widest = vec![0; table.column_count()];
    for row in table.row_iter() {
        for (width, cell) in widest.iter_mut().zip(row.cell_iter()) {
            let words = cell
                .content()
                .split_whitespace()
                .map(|word| word.chars().count())
                .max();
            *width = words.unwrap_or_default().max(*width);
        }
    }
    for (column, width) in table.column_iter_mut().zip(widest) {
        let padded = width.saturating_add(usize::from(column.padding_width()));
        let padded = u16::try_from(padded).unwrap_or(u16::MAX);
        column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(padded)));
    }
    table.to_string()
}
