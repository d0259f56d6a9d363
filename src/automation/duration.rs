//! Durations as people and ISO 8601 write them: `5 minutes`, `1 day 12 hours`, `PT5M`, `P1DT12H`.

/// The longest duration taken: a year (a limit of ours; AWS keeps nothing here longer).
pub const MAX_MS: i64 = 366 * DAY_MS;

const SECOND_MS: i64 = 1000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;
const WEEK_MS: i64 = 7 * DAY_MS;

/// Why a text is no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    #[error("{0:?} is no duration (expected `5 minutes`, `1 day 12 hours` or `PT5M`)")]
    Unreadable(String),
    #[error("{0:?} counts months or years, which have no fixed length (use days)")]
    Calendar(String),
    #[error("{0:?} is longer than 366 days")]
    TooLong(String),
}

/// Milliseconds of a duration in either spelling.
pub fn parse(text: &str) -> Result<i64, DurationError> {
    let shown = || text.chars().take(64).collect::<String>();
    let trimmed = text.trim();
    let ms = match trimmed.strip_prefix('P') {
        Some(rest) => iso(rest),
        None => words(trimmed),
    };
    match ms {
        Ok(ms) if ms <= MAX_MS => Ok(ms),
        Ok(_) | Err(Unread::TooLong) => Err(DurationError::TooLong(shown())),
        Err(Unread::Calendar) => Err(DurationError::Calendar(shown())),
        Err(Unread::Syntax) => Err(DurationError::Unreadable(shown())),
    }
}

/// Milliseconds of an ISO 8601 duration only (`add-to-batch`, aws-facts §9).
pub fn parse_iso(text: &str) -> Result<i64, DurationError> {
    if text.trim().starts_with('P') {
        parse(text)
    } else {
        Err(DurationError::Unreadable(text.chars().take(64).collect()))
    }
}

enum Unread {
    Syntax,
    Calendar,
    TooLong,
}

/// `P1W`, `P1DT2H30M`; the leading `P` is already taken. Whole numbers only.
fn iso(rest: &str) -> Result<i64, Unread> {
    let (mut total, mut digits, mut in_time, mut last_rank) = (0i64, String::new(), false, 0);
    let mut parts = 0;
    for c in rest.chars() {
        match c {
            '0'..='9' => digits.push(c),
            'T' if !in_time && digits.is_empty() => in_time = true,
            _ => {
                let (unit_ms, rank) = match (c, in_time) {
                    ('Y', false) | ('M', false) => return Err(Unread::Calendar),
                    ('W', false) => (WEEK_MS, 1),
                    ('D', false) => (DAY_MS, 2),
                    ('H', true) => (HOUR_MS, 3),
                    ('M', true) => (MINUTE_MS, 4),
                    ('S', true) => (SECOND_MS, 5),
                    _ => return Err(Unread::Syntax),
                };
                if rank <= last_rank {
                    return Err(Unread::Syntax);
                }
                last_rank = rank;
                total = add(total, &digits, unit_ms)?;
                digits.clear();
                parts += 1;
            }
        }
    }
    // `PT` and `P1DT` promise a time part and have none.
    let ends_in_t = in_time && last_rank < 3;
    if parts == 0 || !digits.is_empty() || ends_in_t { Err(Unread::Syntax) } else { Ok(total) }
}

/// `5 minutes`, `1 hour 30 minutes`, `10s`.
fn words(text: &str) -> Result<i64, Unread> {
    let (mut total, mut parts, mut rest) = (0i64, 0, text);
    while !rest.is_empty() {
        let digits = &rest[..rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())];
        let after = rest[digits.len()..].trim_start();
        let unit = &after[..after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len())];
        let unit_ms = match unit.to_ascii_lowercase().as_str() {
            "s" | "sec" | "secs" | "second" | "seconds" => SECOND_MS,
            "m" | "min" | "mins" | "minute" | "minutes" => MINUTE_MS,
            "h" | "hr" | "hrs" | "hour" | "hours" => HOUR_MS,
            "d" | "day" | "days" => DAY_MS,
            "w" | "week" | "weeks" => WEEK_MS,
            "month" | "months" | "year" | "years" => return Err(Unread::Calendar),
            _ => return Err(Unread::Syntax),
        };
        total = add(total, digits, unit_ms)?;
        parts += 1;
        rest = after[unit.len()..].trim_start();
        rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
        rest = rest.strip_prefix("and ").unwrap_or(rest).trim_start();
    }
    if parts == 0 { Err(Unread::Syntax) } else { Ok(total) }
}

fn add(total: i64, digits: &str, unit_ms: i64) -> Result<i64, Unread> {
    if digits.is_empty() {
        return Err(Unread::Syntax);
    }
    // Only digits are here: what does not fit an i64 is too long, not unreadable.
    let number: i64 = digits.parse().map_err(|_| Unread::TooLong)?;
    number.checked_mul(unit_ms).and_then(|ms| ms.checked_add(total)).ok_or(Unread::TooLong)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_spellings_are_read() {
        let cases = [
            ("5 minutes", 5 * MINUTE_MS),
            ("1 hour", HOUR_MS),
            ("3 days", 3 * DAY_MS),
            ("1 day, 2 hours and 30 min", DAY_MS + 2 * HOUR_MS + 30 * MINUTE_MS),
            ("10s", 10 * SECOND_MS),
            ("PT5M", 5 * MINUTE_MS),
            ("P1DT12H", DAY_MS + 12 * HOUR_MS),
            ("P2W", 2 * WEEK_MS),
            ("0 seconds", 0),
        ];
        for (text, ms) in cases {
            assert_eq!(parse(text), Ok(ms), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_says_why() {
        for text in
            ["", "soon", "5", "minutes", "5 minuts", "P", "PT", "P1DT", "PT5", "PT5M1H", "-5 minutes", "5.5 h", "T5M"]
        {
            assert!(matches!(parse(text), Err(DurationError::Unreadable(_))), "{text:?}: {:?}", parse(text));
        }
        for text in ["P1M", "P1Y", "1 month"] {
            assert!(matches!(parse(text), Err(DurationError::Calendar(_))), "{text}");
        }
        for text in ["367 days", "99999999999999999999 days", "9223372036854775807 weeks"] {
            assert!(matches!(parse(text), Err(DurationError::TooLong(_))), "{text}");
        }
        assert!(parse_iso("5 minutes").is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "[PTDHMSW0-9a-zé ,]{0,24}") {
            let _ = parse(&text);
        }

        #[test]
        fn any_sum_of_units_is_read_in_both_spellings(d in 0i64..300, h in 0i64..100, m in 0i64..100, s in 0i64..100) {
            let ms = d * DAY_MS + h * HOUR_MS + m * MINUTE_MS + s * SECOND_MS;
            prop_assert_eq!(parse(&format!("P{d}DT{h}H{m}M{s}S")), Ok(ms));
            prop_assert_eq!(parse(&format!("{d} days {h} hours {m} minutes {s} seconds")), Ok(ms));
        }
    }
}
