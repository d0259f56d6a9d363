//! How figures are written, the same everywhere: missing is `–` and never 0, approximate counts carry
//! `~`, estimates say `est`, every figure has its unit.

use crate::model::time::{Timestamp, spoken};
use crate::operation::progress;

/// What is not known.
pub const MISSING: &str = "–";

/// What a series measures; chooses how its values and its axis are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Milliseconds since something: `16 m 24 s`.
    Age,
    /// Milliseconds something takes: `812 ms`.
    Duration,
    /// Things: `412`.
    Count,
    /// Things a second: `12.0/s`.
    PerSecond,
}

impl Unit {
    pub fn say(self, value: f64) -> String {
        match self {
            Unit::Age => spoken(round(value)),
            Unit::Duration => duration(value),
            Unit::Count => plain(value),
            Unit::PerSecond => rate(value),
        }
    }

    /// For an axis: at most seven columns.
    pub fn say_short(self, value: f64) -> String {
        match self {
            Unit::Age => axis_age(value / 1000.0),
            Unit::Duration => duration(value),
            Unit::Count => compact(value),
            Unit::PerSecond => format!("{}/s", compact(value)),
        }
    }

    /// The next round number at or above `value`: the top of an axis.
    pub fn ceiling(self, value: f64) -> f64 {
        const AGES_S: [f64; 20] = [
            1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0, 7200.0, 10_800.0,
            21_600.0, 43_200.0, 86_400.0, 172_800.0, 345_600.0,
        ];
        if !value.is_finite() || value <= 0.0 {
            // A minute: an age that is always 0 lies flat below an axis that says something.
            return if self == Unit::Age { 60_000.0 } else { 1.0 };
        }
        if self == Unit::Age {
            let found = AGES_S.iter().map(|s| s * 1000.0).find(|top| *top >= value);
            return found.unwrap_or_else(|| (value / 86_400_000.0).ceil() * 86_400_000.0);
        }
        let power = 10f64.powf(value.log10().floor());
        let step = [1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0]
            .into_iter()
            .find(|step| step * power >= value * 0.999_999);
        step.unwrap_or(10.0) * power
    }
}

fn round(value: f64) -> i64 {
    // Saturates, and a NaN is 0: `as` is defined so.
    value.round() as i64
}

/// `100,000`
pub fn count(n: u64) -> String {
    progress::grouped(n)
}

/// `~412`: what SQS calls approximate.
pub fn about(n: u64) -> String {
    format!("~{}", count(n))
}

/// `~412`, or `~1.2 M` where seven digits would not fit.
pub fn about_short(n: u64) -> String {
    if n < 1_000_000 { about(n) } else { format!("~{}", compact(n as f64)) }
}

/// `412`, `12.5 k`, `3.1 M`
pub fn compact(value: f64) -> String {
    match value.abs() {
        v if v >= 1e9 => format!("{:.1} G", value / 1e9),
        v if v >= 1e6 => format!("{:.1} M", value / 1e6),
        v if v >= 10_000.0 => format!("{:.0} k", value / 1e3),
        _ => plain(value),
    }
}

/// A value with as many decimals as it deserves.
fn plain(value: f64) -> String {
    match value.abs() {
        v if v >= 1.0 && (value - value.round()).abs() < 0.05 || v == 0.0 => {
            let sign = if value < 0.0 { "-" } else { "" };
            format!("{sign}{}", count(value.abs().round() as u64))
        }
        v if v >= 100.0 => count(value.round() as u64),
        v if v >= 1.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// `72/s`, `1.2/s`, `14/min`; 0 is `0/s`.
pub fn rate(per_s: f64) -> String {
    match per_s {
        0.0 => "0/s".to_owned(),
        r if r >= 20.0 => format!("{}/s", count(r.round() as u64)),
        r if r >= 1.0 => format!("{r:.1}/s"),
        r if r * 60.0 >= 1.0 => format!("{:.0}/min", r * 60.0),
        r => format!("{:.1}/h", r * 3600.0),
    }
}

/// `4.3 runs/s`, `43 runs/min`
pub fn rate_of(per_s: f64, what: &str) -> String {
    let rate = rate(per_s);
    match rate.split_once('/') {
        Some((value, per)) => format!("{value} {what}/{per}"),
        None => rate,
    }
}

/// `812 ms`, `1.4 s`, `61 s`
pub fn duration(ms: f64) -> String {
    match ms {
        v if v < 1000.0 => format!("{v:.0} ms"),
        v if v < 10_000.0 => format!("{:.1} s", v / 1000.0),
        v if v < 120_000.0 => format!("{:.0} s", v / 1000.0),
        v => spoken(round(v)),
    }
}

/// `0.2 %`
pub fn percent(share: f64) -> String {
    match share * 100.0 {
        0.0 => "0 %".to_owned(),
        p if p < 0.1 => "<0.1 %".to_owned(),
        p if p < 10.0 => format!("{p:.1} %"),
        p => format!("{p:.0} %"),
    }
}

/// How old something is, in its largest unit alone: `2 m`, `41 s`, `3 h`.
pub fn age(ms: i64) -> String {
    let s = ms.max(0) / 1000;
    match s {
        0 if ms > 0 => "1 s".to_owned(),
        0..=119 => format!("{s} s"),
        120..=7199 => format!("{} m", s / 60),
        7200..=172_799 => format!("{} h", s / 3600),
        _ => format!("{} d", s / 86_400),
    }
}

/// `2026-11-24 03:05:41Z`
pub fn moment(at: Timestamp) -> String {
    let text = at.to_string();
    match (text.get(..10), text.get(11..19)) {
        (Some(day), Some(time)) => format!("{day} {time}Z"),
        _ => text,
    }
}

/// How long ago `at` was, or `–`.
pub fn ago(at: Option<Timestamp>, now: Timestamp) -> String {
    at.map_or_else(|| MISSING.to_owned(), |at| age(now.ms_since(at)))
}

/// An age on an axis, exact: `2.5 m`.
fn axis_age(s: f64) -> String {
    let (value, unit) = match s {
        s if s < 120.0 => (s, "s"),
        s if s < 7200.0 => (s / 60.0, "m"),
        s if s < 172_800.0 => (s / 3600.0, "h"),
        s => (s / 86_400.0, "d"),
    };
    format!("{} {unit}", plain(value))
}

/// `3 messages`, `1 message`
pub fn plural(n: u64, one: &str, many: &str) -> String {
    progress::plural(n, one, many)
}

/// `alarm elsewhere`, after their number: they fire about something that is not on the map.
pub fn alarms_elsewhere(count: usize) -> String {
    if count == 1 { "alarm fires elsewhere".to_owned() } else { "alarms fire elsewhere".to_owned() }
}

/// A value or `–`.
pub fn or_missing<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| MISSING.to_owned(), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_rates_carry_separators_and_units() {
        assert_eq!((count(7), count(1234), count(100_000)), ("7".into(), "1,234".into(), "100,000".into()));
        assert_eq!([0.0, 12.04, 72.0, 0.2333, 0.001].map(rate), ["0/s", "12.0/s", "72/s", "14/min", "3.6/h"]);
        assert_eq!([0.0, 0.002, 0.3, 0.0001].map(percent), ["0 %", "0.2 %", "30 %", "<0.1 %"]);
        assert_eq!([812.0, 1400.0, 61_000.0].map(duration), ["812 ms", "1.4 s", "61 s"]);
        assert_eq!([500, 41_000, 119_000, 150_000, 7_300_000].map(age), ["1 s", "41 s", "119 s", "2 m", "2 h"]);
        assert_eq!([9_999.0, 12_500.0, 3_100_000.0].map(compact), ["9,999", "12 k", "3.1 M"]);
        assert_eq!((about(312), about_short(2_500_000)), ("~312".into(), "~2.5 M".into()));
    }

    #[test]
    fn an_axis_ends_on_a_round_number_above_its_values() {
        assert_eq!(Unit::Age.ceiling(984_000.0), 1_200_000.0);
        assert_eq!(Unit::Age.say_short(1_200_000.0), "20 m");
        assert_eq!([0.0, 500.0, 150_000.0].map(|ms| Unit::Age.say_short(ms)), ["0 s", "0.50 s", "2.5 m"]);
        assert_eq!(Unit::Count.ceiling(412.0), 500.0);
        assert_eq!(Unit::PerSecond.ceiling(72.0), 80.0);
        assert_eq!(Unit::Count.ceiling(0.0), 1.0);
        assert_eq!(Unit::Age.say_short(Unit::Age.ceiling(0.0)), "60 s");
    }
}
