//! JSON laid out a member a line, and back on one line, without reading it: every digit, escape and
//! order stays. Text that is no JSON comes out as it went in, as far as strings can be told from space.

/// Without the white space between its members.
pub fn compact(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    outside_strings(json, |c, in_string| {
        if in_string || !matches!(c, ' ' | '\n' | '\r' | '\t') {
            out.push(c);
        }
    });
    out
}

/// A member a line, two spaces a level.
pub fn spread(json: &str) -> String {
    let compacted = compact(json);
    let mut out = String::with_capacity(compacted.len() * 2);
    let mut depth = 0_usize;
    let mut opened = false;
    outside_strings(&compacted, |c, in_string| {
        let closes = !in_string && matches!(c, '}' | ']');
        if opened && !closes {
            line(&mut out, depth);
        }
        if closes {
            depth = depth.saturating_sub(1);
            if !opened {
                line(&mut out, depth);
            }
        }
        opened = false;
        out.push(c);
        match c {
            _ if in_string => {}
            '{' | '[' => {
                depth += 1;
                opened = true;
            }
            ',' => line(&mut out, depth),
            ':' => out.push(' '),
            _ => {}
        }
    });
    out
}

fn line(out: &mut String, depth: usize) {
    out.push('\n');
    (0..depth.min(MAX_INDENT)).for_each(|_| out.push_str("  "));
}

/// Every character, and whether it belongs to a string (its quotes included).
fn outside_strings(json: &str, mut each: impl FnMut(char, bool)) {
    let (mut in_string, mut escaped) = (false, false);
    for c in json.chars() {
        let quote = c == '"' && !escaped;
        each(c, in_string || quote);
        if quote {
            in_string = !in_string;
        }
        escaped = in_string && c == '\\' && !escaped;
    }
}

/// Levels from which lines are indented no further.
const MAX_INDENT: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_changes_space_between_members_and_nothing_else() {
        let json = r#"{"a":1.50,"b":["x, {y}: \"z\" \\",true],"c":{},"d":[]}"#;
        let spread = spread(json);
        assert_eq!(
            spread,
            "{\n  \"a\": 1.50,\n  \"b\": [\n    \"x, {y}: \\\"z\\\" \\\\\",\n    true\n  ],\n  \"c\": {},\n  \"d\": []\n}"
        );
        assert_eq!(compact(&spread), json);
        assert_eq!(super::spread("\"a, b\""), "\"a, b\"");
    }
}
