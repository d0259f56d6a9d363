//! Plain tables: columns padded to their widest cell, nothing that a pipe would choke on. Cells are
//! cleaned of control characters, because some hold what strangers sent.

use unicode_width::UnicodeWidthStr;

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
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| self.rows.iter().filter_map(|row| row.get(column)).map(|c| c.width()).max();
        let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
        let mut text = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                line.push_str(cell);
                line.extend(std::iter::repeat_n(' ', width - cell.width() + 2));
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

/// The figure, or the sign for a missing one.
pub fn or_missing(value: Option<impl ToString>) -> String {
    value.map_or_else(|| MISSING.to_owned(), |value| value.to_string())
}

/// Control characters and direction overrides as visible escapes.
pub fn clean(text: &str) -> String {
    let hostile = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    text.chars().fold(String::with_capacity(text.len()), |mut clean, c| {
        if hostile(c) {
            clean.extend(c.escape_unicode())
        } else {
            clean.push(c)
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
    }
}
