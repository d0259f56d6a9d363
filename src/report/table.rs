//! Plain tables: columns padded to their widest cell, nothing that a pipe would choke on. Cells are
//! cleaned of control characters, because some hold what strangers sent.

use unicode_width::UnicodeWidthStr;

use crate::model::hostile::is_dangerous;

/// What stands where a figure is missing; a missing figure is never 0.
pub const MISSING: &str = "–";

#[derive(Debug)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new(heads: &[&str]) -> Self {
        Table { rows: vec![heads.iter().map(|head| (*head).to_owned()).collect()] }
    }

    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().map(|cell| clean(&cell)).collect());
    }

    /// Every row on a line of its own, columns two spaces apart.
    pub fn text(&self) -> String {
        let mut columns = Columns::default();
        self.rows.iter().for_each(|row| columns.widen(row));
        self.rows.iter().map(|row| columns.line(row)).collect()
    }
}

/// The widths of a table's columns, for one too long to be held: seen once to be measured, once more to
/// be written.
#[derive(Debug, Default)]
pub struct Columns {
    widths: Vec<usize>,
}

impl Columns {
    pub fn new(heads: &[&str]) -> Self {
        Columns { widths: heads.iter().map(|head| head.width()).collect() }
    }

    pub fn widen(&mut self, cells: &[String]) {
        self.widths.resize(self.widths.len().max(cells.len()), 0);
        for (width, cell) in self.widths.iter_mut().zip(cells) {
            *width = (*width).max(cell.width());
        }
    }

    /// One row, its end included. The cells are clean.
    pub fn line(&self, cells: &[String]) -> String {
        let mut line = String::new();
        for (cell, width) in cells.iter().zip(&self.widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.width()) + 2));
        }
        line.truncate(line.trim_end().len());
        line.push('\n');
        line
    }
}

/// The figure, or the sign for a missing one.
pub fn or_missing(value: Option<impl ToString>) -> String {
    value.map_or_else(|| MISSING.to_owned(), |value| value.to_string())
}

/// What could drive the terminal or hide, as visible escapes; a tab, which only parts words, as two spaces.
pub fn clean(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut clean, c| {
        match c {
            '\t' => clean.push_str("  "),
            _ if is_dangerous(c) => clean.extend(c.escape_unicode()),
            _ => clean.push(c),
        }
        clean
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_by_width_and_not_by_bytes() {
        let mut table = Table::new(&["name", "n"]);
        table.row(["日本".to_owned(), "1".to_owned()]);
        table.row(["a".to_owned(), or_missing(None::<u32>)]);
        assert_eq!(table.text(), "name  n\n日本  1\na     –\n");
    }

    #[test]
    fn what_a_stranger_sent_cannot_drive_the_terminal() {
        assert_eq!(clean("a\u{1b}[31mb\u{202e}c\n"), "a\\u{1b}[31mb\\u{202e}c\\u{a}");
        assert_eq!(clean("sent\u{200b}out\tREPORT"), "sent\\u{200b}out  REPORT");
    }
}
