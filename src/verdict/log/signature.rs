//! What lines of one kind have in common: the line with its numbers, ids and quoted values masked.

/// Characters of a signature.
const MAX_CHARS: usize = 160;
/// A quoted value longer than this is text and not a value.
const MAX_QUOTED: usize = 120;

/// `KeyError: '17' in run-000123` and `KeyError: '4' in run-9` are both `KeyError: '…' in run-#`.
pub fn of(head: &str) -> String {
    let mut masked = String::with_capacity(head.len().min(MAX_CHARS));
    let mut rest = head.trim();
    let mut chars = 0;
    while let Some(c) = rest.chars().next() {
        if chars >= MAX_CHARS {
            masked.push('…');
            break;
        }
        let (shown, taken) = if matches!(c, '"' | '\'' | '`') {
            quoted(rest, c)
        } else if c.is_alphanumeric() {
            word(rest)
        } else {
            (if c.is_whitespace() { " ".to_owned() } else { c.to_string() }, c.len_utf8())
        };
        // Blanks and masks in a row say no more than one.
        let again = matches!(shown.as_str(), " ") && masked.ends_with(' ');
        if !again {
            chars += shown.chars().count();
            masked.push_str(&shown);
        }
        rest = &rest[taken..];
    }
    masked.trim_end().to_owned()
}

fn quoted(rest: &str, quote: char) -> (String, usize) {
    let end = rest[1..].find(quote).filter(|end| *end <= MAX_QUOTED);
    match end {
        Some(end) => (format!("{quote}…{quote}"), end + 2),
        None => (quote.to_string(), 1),
    }
}

/// A run of letters, digits, `-` and `_`.
fn word(rest: &str) -> (String, usize) {
    let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '-' || c == '_')).unwrap_or(rest.len());
    let word = rest[..end].trim_end_matches('-');
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    if digits == 0 {
        return (word.to_owned(), word.len());
    }
    let hex = word.bytes().filter(|byte| *byte != b'-').all(|byte| byte.is_ascii_hexdigit());
    let shown = if word.len() == digits {
        "#".to_owned()
    } else if hex && word.len() >= 12 || word.len() >= 20 && digits >= 4 {
        "‹id›".to_owned()
    } else {
        word.split_inclusive(['-', '_']).map(part).collect()
    };
    (shown, word.len())
}

/// `000099a6-` is a number as `000012-` is: both end the same name.
fn part(part: &str) -> String {
    let name = part.trim_end_matches(['-', '_']);
    let counted = name.bytes().all(|byte| byte.is_ascii_hexdigit()) && name.bytes().any(|byte| byte.is_ascii_digit());
    if counted && name.len() >= 6 { format!("#{}", &part[name.len()..]) } else { numbers(part) }
}

fn numbers(word: &str) -> String {
    word.chars().fold(String::new(), |mut shown, c| {
        match c {
            '0'..='9' if shown.ends_with('#') => {}
            '0'..='9' => shown.push('#'),
            c => shown.push(c),
        }
        shown
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_ids_and_quoted_values_are_masked() {
        for (head, signature) in [
            ("KeyError: 'user-17' in run-000123", "KeyError: '…' in run-#"),
            ("message 5fea7756-0ea4-451a-a703-a558b933e274 failed", "message ‹id› failed"),
            ("at 2026-01-01T00:00:03.120Z after 3.00 s", "at #-#-#T#:#:#.#Z after #.# s"),
            ("id 0f3c9a1b77de refused", "id ‹id› refused"),
            ("don't stop  now", "don't stop now"),
            ("run-000099a6/0/requested in run-00001234", "run-#/#/requested in run-#"),
            ("HTTP 503 from s3", "HTTP # from s#"),
            ("", ""),
        ] {
            assert_eq!(of(head), signature, "{head}");
        }
        assert!(of(&"x ".repeat(10_000)).chars().count() <= MAX_CHARS + 2);
    }
}
