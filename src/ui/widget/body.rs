//! A message's body for reading: JSON is laid out a member a line, anything else line by line. Works
//! from the start of the text and stops with the last line in view, so that a megabyte costs what is
//! seen of it; never parses, so that no nesting can hurt.

/// Depth from which lines are indented no further.
const MAX_INDENT: usize = 24;
/// Characters after which a line is broken even inside a string: a body of one long line must not be
/// walked to its end to draw its beginning.
const LINE_CHARS: usize = 400;
/// No line is made of more bytes of the body than this, white space between members aside.
pub const LINE_BYTES: usize = 4 * LINE_CHARS;

/// The lines of a body, laid out lazily.
#[derive(Debug)]
pub struct Lines<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    json: bool,
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl<'a> Lines<'a> {
    pub fn new(body: &'a str) -> Self {
        let start = body.trim_start();
        let json = start.starts_with(['{', '[']);
        let rest = if json { start.chars().peekable() } else { body.chars().peekable() };
        Lines { rest, json, depth: 0, in_string: false, escaped: false }
    }

    fn indent(&self) -> String {
        "  ".repeat(self.depth.min(MAX_INDENT))
    }

    fn plain_line(&mut self) -> String {
        let mut line = String::new();
        let mut taken = 0;
        while taken < LINE_CHARS {
            match self.rest.next() {
                None | Some('\n') => break,
                Some('\r') if self.rest.peek() == Some(&'\n') => {}
                Some(c) => {
                    line.push(c);
                    taken += 1;
                }
            }
        }
        line
    }

    fn skip_space(&mut self) {
        while self.rest.next_if(|c| matches!(c, ' ' | '\n' | '\r' | '\t')).is_some() {}
    }

    fn json_line(&mut self) -> String {
        if !self.in_string {
            self.skip_space();
            if matches!(self.rest.peek(), Some('}' | ']')) {
                self.depth = self.depth.saturating_sub(1);
            }
        }
        let mut line = self.indent();
        let mut taken = 0;
        while let Some(c) = self.rest.next() {
            taken += 1;
            line.push(c);
            if self.in_string {
                self.string_char(c);
                if self.skip_space_before_close() {
                    break;
                }
            } else if self.ends_line(c, &mut line) {
                break;
            }
            if taken >= LINE_CHARS {
                break;
            }
        }
        line
    }

    fn string_char(&mut self, c: char) {
        match c {
            _ if self.escaped => self.escaped = false,
            '\\' => self.escaped = true,
            '"' => self.in_string = false,
            _ => {}
        }
    }

    /// Takes one character outside strings; true when the line ends after it.
    fn ends_line(&mut self, c: char, line: &mut String) -> bool {
        match c {
            '"' => self.in_string = true,
            ':' => {
                self.skip_space();
                line.push(' ');
            }
            ',' => return true,
            '{' | '[' => {
                self.skip_space();
                let close = if c == '{' { '}' } else { ']' };
                match self.rest.next_if_eq(&close) {
                    Some(close) => line.push(close),
                    None => {
                        self.depth += 1;
                        return true;
                    }
                }
            }
            ' ' | '\n' | '\r' | '\t' => {
                line.pop();
            }
            _ => {}
        }
        self.skip_space_before_close()
    }

    /// A closing bracket stands on a line of its own.
    fn skip_space_before_close(&mut self) -> bool {
        if self.in_string {
            return false;
        }
        self.skip_space();
        matches!(self.rest.peek(), Some('}' | ']'))
    }
}

impl Iterator for Lines<'_> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        if self.json && !self.in_string {
            self.skip_space();
        }
        self.rest.peek()?;
        Some(if self.json { self.json_line() } else { self.plain_line() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(body: &str) -> Vec<String> {
        Lines::new(body).collect()
    }

    #[test]
    fn json_is_laid_out_a_member_a_line() {
        assert_eq!(
            lines(r#"{"id":"a{b","steps":[{"n":[],"action":"send"}],"e":{},"x":null}"#),
            [
                "{",
                r#"  "id": "a{b","#,
                r#"  "steps": ["#,
                "    {",
                r#"      "n": [],"#,
                r#"      "action": "send""#,
                "    }",
                "  ],",
                r#"  "e": {},"#,
                r#"  "x": null"#,
                "}"
            ]
        );
    }

    #[test]
    fn other_text_keeps_its_lines() {
        assert_eq!(lines("one\r\ntwo\n\nthree"), ["one", "two", "", "three"]);
        assert_eq!(lines(""), Vec::<String>::new());
    }

    #[test]
    fn a_megabyte_of_brackets_neither_overflows_nor_costs_more_than_is_seen() {
        let bomb = "[".repeat(1_048_576);
        let seen: Vec<String> = Lines::new(&bomb).take(40).collect();
        assert_eq!(seen.len(), 40);
        assert!(seen.iter().all(|line| line.len() < 2 * MAX_INDENT + 8));
        assert!(lines(&format!("{{\"a\":\"{}\"}}", "x".repeat(5000))).len() > 10, "a long string is broken");
        assert_eq!(lines("{}}}]").len(), 4, "closing more than was opened");
    }
}
