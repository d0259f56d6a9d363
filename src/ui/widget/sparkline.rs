//! A line of bars, a bucket of time each. A bucket without a datapoint stays empty: a gap is a gap.

use ratatui::style::Style;

use crate::model::metric::Series;
use crate::model::time::Timestamp;
use crate::ui::widget::ink::Ink;

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The bars of `series` over `from..to`, one character a bucket, each the bucket's highest value.
pub fn bars(series: Option<&Series>, from: Timestamp, to: Timestamp, columns: u16) -> String {
    let span_ms = to.ms_since(from);
    let n = usize::from(columns);
    let Some(series) = series.filter(|_| span_ms > 0 && n > 0) else { return " ".repeat(n) };
    let mut buckets: Vec<Option<f64>> = vec![None; n];
    for (at, value) in series.between(from, to) {
        let at = usize::try_from(at.ms_since(from) * i64::from(columns) / span_ms).unwrap_or(0);
        if let Some(bucket) = buckets.get_mut(at) {
            *bucket = Some(bucket.map_or(value, |old: f64| old.max(value)));
        }
    }
    let top = buckets.iter().flatten().copied().fold(0.0, f64::max);
    buckets.into_iter().map(|value| value.map_or(' ', |value| bar(value, top))).collect()
}

fn bar(value: f64, top: f64) -> char {
    if top <= 0.0 || !value.is_finite() {
        return BARS[0];
    }
    let step = (value.max(0.0) / top * 7.0).round() as usize;
    BARS[step.min(7)]
}

/// Draws the bars at (`x`, `y`).
pub fn draw(
    ink: &mut Ink<'_>,
    x: u16,
    y: u16,
    columns: u16,
    series: Option<&Series>,
    window: (Timestamp, Timestamp),
    style: Style,
) {
    let text = bars(series, window.0, window.1, columns);
    ink.text(x, y, columns, &text, style);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute(n: i64) -> Timestamp {
        Timestamp::from_s(n * 60)
    }

    #[test]
    fn a_gap_stays_a_gap_and_zero_is_not_a_gap() {
        let mut series = Series::default();
        series.merge([(minute(0), 0.0), (minute(1), 4.0), (minute(3), 8.0)]);
        assert_eq!(bars(Some(&series), minute(0), minute(4), 4), "▁▅ █");
        assert_eq!(bars(None, minute(0), minute(4), 4), "    ");
    }

    #[test]
    fn a_bucket_shows_its_highest_value() {
        let mut series = Series::default();
        series.merge([(minute(0), 1.0), (minute(1), 8.0), (minute(2), 2.0), (minute(3), 2.0)]);
        assert_eq!(bars(Some(&series), minute(0), minute(4), 2), "█▃");
    }
}
