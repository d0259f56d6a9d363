//! Figures as the verdicts say them.

use crate::model::finding::Remedy;

/// Milliseconds in one unit, as an estimate is said: `40 s`, `17 m`, `59 h`, `4 d`.
pub fn about(ms: f64) -> String {
    let s = (ms.max(0.0) / 1000.0).round();
    if s < 90.0 {
        format!("{s:.0} s")
    } else if s < 90.0 * 60.0 {
        format!("{:.0} m", s / 60.0)
    } else if s < 72.0 * 3600.0 {
        format!("{:.0} h", s / 3600.0)
    } else {
        format!("{:.0} d", s / 86_400.0)
    }
}

/// `0.4`, `12`, `1,500`: two figures below ten, whole above.
pub fn rate(value: f64) -> String {
    if value < 0.095 {
        format!("{value:.2}")
    } else if value < 9.95 {
        format!("{value:.1}")
    } else {
        count(value)
    }
}

/// A whole number with its thousands apart.
pub fn count(value: f64) -> String {
    let digits = format!("{:.0}", value.max(0.0));
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A share as a percentage: `0.2 %`, `26 %`.
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent < 9.95 { format!("{percent:.1} %") } else { format!("{percent:.0} %") }
}

pub fn remedy(command: &str, text: impl Into<String>) -> Remedy {
    Remedy { command: command.to_owned(), text: text.into() }
}

/// A number of messages, which stays far below 2^52.
#[allow(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
pub fn exact(count: u64) -> f64 {
    count as f64
}

/// Milliseconds between two moments, which stay far below 2^52.
#[allow(clippy::cast_precision_loss, reason = "spans stay far below 2^52")]
pub fn span(ms: i64) -> f64 {
    ms as f64
}

/// Milliseconds for a clock; a span of thousands of years is cut.
#[allow(clippy::cast_possible_truncation, reason = "a float-to-int cast saturates")]
pub fn whole_ms(ms: f64) -> i64 {
    ms as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short() {
        let spoken: Vec<String> = [40_000.0, 1_020_000.0, 212_000_000.0, 400_000_000.0].map(about).into();
        assert_eq!(spoken, ["40 s", "17 m", "59 h", "5 d"]);
        assert_eq!([0.04, 0.4, 12.3, 1_234_567.0].map(rate).join(" "), "0.04 0.4 12 1,234,567");
        assert_eq!([0.002, 0.26].map(percent).join(" "), "0.2 % 26 %");
    }
}
