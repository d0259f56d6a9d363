//! Durations as a person types them: `90s`, `10m`, `2h`, `1h30m`, `1d`; a bare number is seconds.

/// Whole seconds.
///
/// # Errors
/// Why the text is no duration, with one that is.
pub fn parse(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is no duration; write 90s, 10m, 2h or 1h30m");
    let mut total_s: u64 = 0;
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let count: u64 = rest[..digits].parse().map_err(|_| wrong())?;
        let unit = rest[digits..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |end| digits + end);
        let unit_s = match &rest[digits..unit] {
            "" if unit == rest.len() => 1,
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            _ => return Err(wrong()),
        };
        total_s = count.checked_mul(unit_s).and_then(|s| total_s.checked_add(s)).ok_or_else(wrong)?;
        rest = &rest[unit..];
    }
    Ok(total_s)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_nonsense_is_not() {
        for (text, s) in [("90s", 90), ("10m", 600), ("2h", 7_200), ("1h30m", 5_400), ("1d", 86_400), ("45", 45)] {
            assert_eq!(parse(text), Ok(s), "{text}");
        }
        for text in ["", "m", "10x", "-5s", "1.5h", "10 m", "99999999999999999999s", "999999999999999999d"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
