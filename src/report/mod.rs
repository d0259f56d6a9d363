//! The same figures without a terminal: tables for people, JSON for programs. It formats what it is
//! given; it asks nothing and judges nothing.

pub mod card;
pub mod clock;
pub mod consumer;
pub mod doctor;
pub mod ended;
pub mod export;
pub mod finding;
pub mod incident;
pub mod journal;
pub mod kinds;
pub mod log;
pub mod operation;
pub mod posture;
pub mod queue;
pub mod redacted;
pub mod redrive;
pub mod rehearsal;
pub mod schema;
pub mod status;
pub mod summary;
pub mod table;
pub mod topology;
pub mod watch;

use std::io::{self, Write};

use serde::{Serialize, Serializer as _};

/// How a result is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    Table,
    /// One document, indented.
    Json,
    /// One object a line.
    Lines,
}

/// Rows in the style asked for; `table` makes the table only when it is wanted.
pub fn rows<T: Serialize>(style: Style, rows: &[T], table: impl FnOnce(&[T]) -> String) -> String {
    match style {
        Style::Table => table(rows),
        Style::Json => document(&rows),
        Style::Lines => rows.iter().map(|row| line(row) + "\n").collect(),
    }
}

/// Rows as they come, for a list too long to be held: what [`rows`] would make of all of them. Not for
/// tables, whose columns nobody knows before the end.
///
/// # Errors
/// What the writer says.
pub fn write_rows<T: Serialize>(style: Style, out: impl Write, rows: impl Iterator<Item = T>) -> io::Result<()> {
    let mut out = out;
    if style == Style::Json {
        serde_json::Serializer::pretty(&mut out).collect_seq(rows).map_err(io::Error::from)?;
        return out.write_all(b"\n");
    }
    for row in rows {
        serde_json::to_writer(&mut out, &row).map_err(io::Error::from)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// One value in the style asked for.
pub fn one<T: Serialize>(style: Style, value: &T, table: impl FnOnce(&T) -> String) -> String {
    match style {
        Style::Table => table(value),
        Style::Json => document(value),
        Style::Lines => line(value) + "\n",
    }
}

fn document(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).unwrap_or_else(|error| format!("{{\"error\":\"{error}\"}}"));
    text.push('\n');
    text
}

fn line(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|error| format!("{{\"error\":\"{error}\"}}"))
}
