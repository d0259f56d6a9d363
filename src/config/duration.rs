//! Durations on the command line, as clap asks for them.

use crate::model::duration;

/// Whole seconds.
///
/// # Errors
/// Why the text is no duration, with one that is.
pub fn parse(text: &str) -> Result<u64, String> {
    duration::parse(text)
}

/// Milliseconds: `60ms`, or a duration of whole seconds.
///
/// # Errors
/// Why the text is no duration, with one that is.
pub fn parse_ms(text: &str) -> Result<u64, String> {
    match text.strip_suffix("ms") {
        Some(digits) => digits.parse().map_err(|_| format!("{text:?} is no duration; write 60ms or 1s")),
        None => parse(text)?.checked_mul(1000).ok_or_else(|| format!("{text:?} is too long")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_are_read_too() {
        assert_eq!((parse_ms("60ms"), parse_ms("2s")), (Ok(60), Ok(2_000)));
        assert!(parse_ms("ms").is_err() && parse_ms("1.5ms").is_err());
    }
}
