//! The two kinds of time. [`Timestamp`] is the account's (AWS's corrected by the `Date` header, or
//! the sandbox's); [`Mono`] is local and never goes backwards. Neither knows what time it is now.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A moment of the account's time, in milliseconds since 1970-01-01T00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    pub const ZERO: Timestamp = Timestamp(0);

    pub const fn from_ms(ms: i64) -> Self {
        Timestamp(ms)
    }

    pub const fn from_s(s: i64) -> Self {
        Timestamp(s * 1000)
    }

    /// Milliseconds since the epoch.
    pub const fn ms(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn s(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This moment moved by `ms` milliseconds (saturating; may be negative).
    #[must_use]
    pub const fn plus_ms(self, ms: i64) -> Self {
        Timestamp(self.0.saturating_add(ms))
    }

    /// This moment moved by `s` seconds (saturating; may be negative).
    #[must_use]
    pub const fn plus_s(self, s: i64) -> Self {
        self.plus_ms(s.saturating_mul(1000))
    }

    /// Milliseconds from `earlier` to this moment; negative when `earlier` is later.
    pub const fn ms_since(self, earlier: Timestamp) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The start of the period of `period_s` seconds this moment lies in.
    #[must_use]
    pub const fn floor_to(self, period_s: i64) -> Self {
        let period_ms = period_s * 1000;
        Timestamp(self.0.div_euclid(period_ms) * period_ms)
    }

    fn civil(self) -> jiff::civil::DateTime {
        let ts = jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        jiff::tz::TimeZone::UTC.to_datetime(ts)
    }

    /// `03:12:41Z`
    pub fn clock_s(self) -> String {
        let t = self.civil();
        format!("{:02}:{:02}:{:02}Z", t.hour(), t.minute(), t.second())
    }

    /// `03:12Z`
    pub fn clock(self) -> String {
        let t = self.civil();
        format!("{:02}:{:02}Z", t.hour(), t.minute())
    }

    /// `03:12Z`, with the date when that is more than a day away: `2026-01-01 03:12Z`.
    pub fn clock_from(self, now: Timestamp) -> String {
        if now.ms_since(self).abs() < 86_400_000 {
            return self.clock();
        }
        let t = self.civil();
        format!("{:04}-{:02}-{:02} {}", t.year(), t.month(), t.day(), self.clock())
    }

    /// Parses RFC 3339 (`2026-01-01T00:00:00Z`); `None` when it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>().ok().map(|t| Timestamp(t.as_millisecond()))
    }
}

impl fmt::Display for Timestamp {
    /// `2026-01-01T00:00:00.000Z`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let t = self.civil();
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
            t.year(),
            t.month(),
            t.day(),
            t.hour(),
            t.minute(),
            t.second(),
            self.0.rem_euclid(1000)
        )
    }
}

/// A moment of local, monotonic time, in milliseconds since the process started: frames, toasts,
/// I/O deadlines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Mono(u64);

impl Mono {
    pub const ZERO: Mono = Mono(0);

    pub const fn from_ms(ms: u64) -> Self {
        Mono(ms)
    }

    pub const fn ms(self) -> u64 {
        self.0
    }

    #[must_use]
    pub const fn plus_ms(self, ms: u64) -> Self {
        Mono(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this moment; 0 when `earlier` is later.
    pub const fn ms_since(self, earlier: Mono) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// A duration of `ms` milliseconds as a person says it: `850 ms`, `16 m 24 s`, `2 h 5 m`, `3 d 4 h`.
pub fn spoken(ms: i64) -> String {
    let (sign, ms) = if ms < 0 { ("-", ms.unsigned_abs()) } else { ("", ms.unsigned_abs()) };
    let s = ms / 1000;
    let text = match s {
        0 if ms > 0 => format!("{ms} ms"),
        0..=59 => format!("{s} s"),
        60..=3599 => two(s / 60, "m", s % 60, "s"),
        3600..=86_399 => two(s / 3600, "h", s % 3600 / 60, "m"),
        _ => two(s / 86_400, "d", s % 86_400 / 3600, "h"),
    };
    format!("{sign}{text}")
}

fn two(major: u64, major_unit: &str, minor: u64, minor_unit: &str) -> String {
    if minor == 0 { format!("{major} {major_unit}") } else { format!("{major} {major_unit} {minor} {minor_unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_prints_and_parses_as_rfc_3339() {
        let t = Timestamp::from_ms(1_767_225_600_123);
        assert_eq!(t.to_string(), "2026-01-01T00:00:00.123Z");
        assert_eq!(Timestamp::parse("2026-01-01T00:00:00.123Z"), Some(t));
        assert_eq!(Timestamp::parse("yesterday"), None);
        assert_eq!(t.clock_s(), "00:00:00Z");
        assert_eq!(t.plus_s(59).floor_to(60), Timestamp::from_ms(1_767_225_600_000));
    }

    #[test]
    fn durations_read_like_speech() {
        let said: Vec<String> = [0, 850, 5_000, 984_000, 3_600_000, 7_500_000, 273_600_000].map(spoken).into();
        assert_eq!(said, ["0 s", "850 ms", "5 s", "16 m 24 s", "1 h", "2 h 5 m", "3 d 4 h"]);
    }
}
