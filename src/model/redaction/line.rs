//! What of somebody's log may be shown. A path names a place in a body, and a log may hold a body
//! anywhere: so in a JSON line a path counts at any depth, also as DynamoDB writes it, and bodies
//! written inside a string are hidden whole. In text no path reaches anything: only what is never data
//! is left of it, which is Lambda's own lines, levels, times and request ids, the names of exceptions
//! and the places of a stack trace.

use std::borrow::Cow;

use crate::model::redaction::path::Path;
use crate::model::redaction::{NOT_JSON, STARS, scan};

/// Levels above a path at which it is looked for.
const MAX_ABOVE: usize = 12;
/// Members whose text is a body: of an SQS event, of an SNS envelope.
const BODIES: [&str; 3] = ["body", "Body", "Message"];
/// The same paths, wherever a body may lie in a line.
pub fn anywhere(paths: &[Path]) -> Vec<Path> {
    if paths.is_empty() {
        return Vec::new();
    }
    let bodies = BODIES.iter().map(|name| Path::member(name));
    let all: Vec<Path> = paths.iter().flat_map(|path| [path.clone(), path.typed()]).chain(bodies).collect();
    (0..=MAX_ABOVE).flat_map(|above| all.iter().map(move |path| path.below(above))).collect()
}

/// The line as it may be shown.
pub fn shown<'a>(paths: &[Path], text: &'a str) -> Cow<'a, str> {
    let trimmed = text.trim_end();
    if trimmed.starts_with(['{', '[']) {
        let said = scan::redacted(paths, trimmed, false);
        if said != NOT_JSON {
            return said;
        }
    }
    if is_lambdas_own(trimmed) {
        return Cow::Borrowed(text);
    }
    let lines: Vec<String> = trimmed.split(['\n', '\r']).map(bare).collect();
    let said = lines.join("\n");
    if said == trimmed { Cow::Borrowed(text) } else { Cow::Owned(said) }
}

/// Lines that Lambda writes: they hold ids, times and figures.
fn is_lambdas_own(text: &str) -> bool {
    let one_line = !text.contains(['\n', '\r']);
    let figures = |c: char| c.is_ascii_alphanumeric() || " \t:.-/[]$_,".contains(c);
    let starts = ["START RequestId: ", "END RequestId: ", "REPORT RequestId: ", "INIT_START ", "INIT_REPORT "];
    let timed_out = || text.split_once(" Task timed out after ").is_some_and(|(before, _)| before.len() <= 64);
    one_line && text.chars().all(figures) && (starts.iter().any(|start| text.starts_with(start)) || timed_out())
}

/// One line of text: its first words as far as they are no data, then stars.
fn bare(line: &str) -> String {
    let indent = line.len() - line.trim_start().len();
    if line.trim().is_empty() || (indent > 0 && is_place(line.trim_start())) || line.starts_with("Traceback (most") {
        return line.to_owned();
    }
    let mut kept = line[..indent].to_owned();
    let mut rest = line.trim_start();
    loop {
        let end = rest.find([' ', '\t']).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        if word.is_empty()
            || !(is_level(word) || is_time(word) || is_id(word) || is_exception(word) || word == "RequestId:")
        {
            break;
        }
        kept.push_str(word);
        let next = after.trim_start();
        kept.push_str(&after[..after.len() - next.len()]);
        rest = next;
    }
    if rest.is_empty() { kept } else { kept + STARS }
}

/// `File "/var/task/app.py", line 87, in work`, `at work (index.js:7:1)`.
fn is_place(line: &str) -> bool {
    let python = line.starts_with("File \"") && line.contains("\", line ");
    let others = line.starts_with("at ") && line.len() <= 200 && line.contains(':') && !line.contains('@');
    python || others
}

fn is_level(word: &str) -> bool {
    let name = word.trim_matches(|c: char| !c.is_ascii_alphabetic());
    LEVELS.contains(&name.to_ascii_uppercase().as_str()) && word.len() <= name.len() + 2
}

/// `2026-01-01T00:00:00.000Z`
fn is_time(word: &str) -> bool {
    let bytes = word.as_bytes();
    let at = |at: usize, byte: u8| bytes.get(at) == Some(&byte);
    let figures = bytes.iter().all(|byte| byte.is_ascii_digit() || b"-:.,TZ+".contains(byte));
    figures && word.len() >= 8 && (at(4, b'-') && at(7, b'-') || at(2, b':') && at(5, b':'))
}

/// A request id.
fn is_id(word: &str) -> bool {
    word.len() == 36 && word.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

/// `IndexRejected:`, `java.io.IOException:`, `mapper_parsing_exception:`: a name as code has it.
fn is_exception(word: &str) -> bool {
    let Some(name) = word.strip_suffix(':') else { return false };
    let code = name.chars().all(|c| c.is_ascii_alphabetic() || matches!(c, '.' | '_' | '$'));
    let named = ["error", "exception", "rejected", "refused", "timeout", "exceeded", "denied", "failure"];
    code && name.len() <= 120 && named.iter().any(|end| name.to_ascii_lowercase().ends_with(end))
}

const LEVELS: [&str; 12] =
    ["ERROR", "ERR", "FATAL", "CRITICAL", "SEVERE", "PANIC", "WARN", "WARNING", "INFO", "DEBUG", "TRACE", "NOTICE"];

#[cfg(test)]
mod tests {
    use crate::model::redaction::{NOTHING, Redaction};

    const ID: &str = "5fea7756-0ea4-451a-a703-a558b933e274";

    fn shown(text: &str) -> String {
        Redaction::new(["profile.email"]).expect("a path").line(text).into_owned()
    }

    #[test]
    fn a_json_line_is_searched_at_every_depth_and_bodies_in_strings_are_hidden() {
        for (line, said) in [
            (r#"{"level":"ERROR","profile":{"email":"a@b.c"}}"#, r#"{"level":"ERROR","profile":{"email":"***"}}"#),
            (
                r#"{"event":{"job":[{"profile":{"email":"a@b.c","id":1}}]}}"#,
                r#"{"event":{"job":[{"profile":{"email":"***","id":1}}]}}"#,
            ),
            (r#"{"Records":[{"body":"{\"profile\":{\"email\":\"a@b.c\"}}"}]}"#, r#"{"Records":[{"body":"***"}]}"#),
            (
                r#"{"dynamodb":{"NewImage":{"profile":{"M":{"email":{"S":"a@b.c"}}}}}}"#,
                r#"{"dynamodb":{"NewImage":{"profile":{"M":{"email":"***"}}}}}"#,
            ),
            (r#"{"level":"INFO","message":"fine"}"#, r#"{"level":"INFO","message":"fine"}"#),
        ] {
            assert_eq!(shown(line), said);
            assert_eq!(NOTHING.line(line), line);
        }
    }

    #[test]
    fn of_text_only_what_is_never_data_is_left() {
        for (line, said) in [
            ("[ERROR] IndexRejected: no date in a@b.c", "[ERROR] IndexRejected: ***"),
            ("sending to a@b.c", "***"),
            ("email=a@b.c", "***"),
            ("{'profile': {'email': 'a@b.c'}}", "***"),
            ("[a@b.c]", "***"),
            ("a@b.c: not found", "***"),
            ("ERROR", "ERROR"),
            (
                "[ERROR] KeyError: 'a@b.c'\nTraceback (most recent call last):\n  File \"/var/task/app.py\", line 87, in work\n    raise KeyError(email)",
                "[ERROR] KeyError: ***\nTraceback (most recent call last):\n  File \"/var/task/app.py\", line 87, in work\n    ***",
            ),
            ("    at work (index.js:7:1)", "    at work (index.js:7:1)"),
            ("    at a@b.c:1", "    ***"),
        ] {
            assert_eq!(shown(line), said);
        }
        let line =
            format!("2026-01-01T00:00:00.000Z\t{ID}\tERROR\tInvoke Error \t{{\"profile\":{{\"email\":\"a@b.c\"}}}}");
        assert_eq!(shown(&line), format!("2026-01-01T00:00:00.000Z\t{ID}\tERROR\t***"));
    }

    #[test]
    fn lambdas_own_lines_stay_and_what_only_begins_like_them_does_not() {
        for own in [
            format!("START RequestId: {ID} Version: $LATEST"),
            format!("END RequestId: {ID}"),
            format!(
                "REPORT RequestId: {ID}\tDuration: 12.34 ms\tBilled Duration: 13 ms\tMemory Size: 256 MB\tMax Memory Used: 91 MB"
            ),
            format!("2026-01-01T00:00:03.000Z {ID} Task timed out after 3.00 seconds"),
        ] {
            assert_eq!(shown(&own), own);
        }
        assert_eq!(shown("START RequestId: a@b.c"), "***");
    }

    #[test]
    fn a_bomb_hurts_nobody() {
        for bomb in ["[".repeat(200_000), "{\"a\":".repeat(100_000), "x ".repeat(100_000), "\n".repeat(100_000)] {
            let said = shown(&bomb);
            assert!(said.len() <= bomb.len() + 3);
        }
    }
}
