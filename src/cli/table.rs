//! Tables for people: plain columns without lines, as wide as the terminal.

use comfy_table::{ContentArrangement, Table, presets};

/// A table with these headings.
pub(crate) fn table(headings: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic);
    let width = std::env::var("COLUMNS")
        .ok()
        .and_then(|columns| columns.parse().ok());
    table.set_width(width.unwrap_or(140));
    table.set_header(headings.iter().map(|heading| heading.to_uppercase()));
    table
}

/// An instant as local time of the campaign, to the minute, with its offset.
pub(crate) fn local(at: jiff::Timestamp, zone: &jiff::tz::TimeZone) -> String {
    at.to_zoned(zone.clone())
        .strftime("%a %Y-%m-%d %H:%M %Z")
        .to_string()
}
