//! What differs between two bodies, line by line, JSON a member a line: for whoever must say yes to it.

use similar::{ChangeTag, TextDiff};

use crate::model::difference::Side;
use crate::query::edit::is_json;
use crate::query::layout::spread;

/// The lines that differ, two around them.
pub fn difference(before: &str, after: &str) -> Vec<(Side, String)> {
    let laid = |body: &str| if is_json(body) { spread(body) } else { body.to_owned() };
    let (before, after) = (laid(before), laid(after));
    let diff = TextDiff::from_lines(before.as_str(), after.as_str());
    let mut lines = Vec::new();
    for (n, group) in diff.grouped_ops(AROUND).iter().enumerate() {
        if n > 0 {
            lines.push((Side::Gap, String::new()));
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let side = match change.tag() {
                ChangeTag::Equal => Side::Both,
                ChangeTag::Delete => Side::Before,
                ChangeTag::Insert => Side::After,
            };
            lines.push((side, change.value().trim_end_matches(['\n', '\r']).to_owned()));
        }
    }
    lines
}

/// Lines shown around those that differ.
const AROUND: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_that_changed_is_one_line_out_and_one_in() {
        let before = r#"{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7}"#;
        let lines = difference(before, &before.replace("4", "44"));
        let said: Vec<String> = lines.iter().map(|(side, text)| format!("{}{text}", side.sign())).collect();
        assert_eq!(
            said,
            ["    \"b\": 2,", "    \"c\": 3,", "-   \"d\": 4,", "+   \"d\": 44,", "    \"e\": 5,", "    \"f\": 6,",]
        );
        assert_eq!(difference("a", "a"), []);
        assert_eq!(difference("a b", "a c"), [(Side::Before, "a b".to_owned()), (Side::After, "a c".to_owned())]);
    }
}
