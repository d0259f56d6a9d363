//! How a consumer's age moved: of its worst lane, of its best, of all of them; where it stands now.

use crate::forecast::sight::Seen;
use crate::model::time::Timestamp;

/// How the age moved: of the worst lane, of the best, and of all.
pub(super) struct Ages {
    pub(super) max_ms: f64,
    pub(super) min_ms: f64,
    /// Seconds a second.
    pub(super) max_slope: f64,
    min_slope: f64,
    /// Of the average of all runs; `None` where that was not published.
    pub(super) mean_slope: Option<f64>,
    /// Every shard was behind all the time.
    pub(super) all_behind: bool,
    pub(super) any_behind: bool,
    mean_line: Option<Line>,
    end_s: f64,
}

impl Ages {
    pub(super) fn of(seen: &[Seen], at: Timestamp) -> Self {
        let points = |of: fn(&Seen) -> Option<f64>| -> Vec<(f64, f64)> {
            let from = seen.first().map_or(0, |seen| seen.at.ms());
            seen.iter().filter_map(|seen| Some(((seen.at.ms() - from) as f64 / 1000.0, of(seen)? / 1000.0))).collect()
        };
        let (max, min) = (points(|seen| seen.age_max_ms), points(|seen| seen.age_min_ms));
        let mean = points(|seen| seen.age_avg_ms);
        let (max_line, min_line) = (Line::through(&max), Line::through(&min));
        let end_s = seen.first().map_or(0.0, |first| at.ms_since(first.at) as f64 / 1000.0);
        // A minute's maximum is that of its end while the age grows, its minimum that of its beginning.
        let late = |grows: bool| if grows { end_s - 60.0 } else { end_s };
        let behind = |points: &[(f64, f64)]| !points.is_empty() && points.iter().all(|(_, s)| *s * 1000.0 > BEHIND_MS);
        Ages {
            max_ms: max_line.at(late(max_line.slope > 0.0)).max(0.0) * 1000.0,
            min_ms: min_line.at(late(min_line.slope < 0.0)).max(0.0) * 1000.0,
            max_slope: max_line.slope,
            min_slope: min_line.slope,
            mean_slope: (mean.len() >= 3).then(|| Line::through(&mean).slope),
            mean_line: (mean.len() >= 3).then(|| Line::through(&mean)),
            end_s,
            all_behind: behind(&min),
            any_behind: max.last().is_some_and(|(_, s)| *s * 1000.0 > BEHIND_MS),
        }
    }
}

impl Ages {
    /// The mean age so many seconds after the moment of the calibration; a minute's average is that of
    /// its middle.
    pub(super) fn mean_s(&self, after_s: f64) -> Option<f64> {
        Some(self.mean_line.as_ref()?.at(self.end_s + after_s - 30.0).max(0.0))
    }

    /// How the worst and the best have aged on the whole: where all have been behind since long before
    /// the window of `span_s` began, their ages over that time say more than their slopes within it.
    /// Also by how much less chance there is in it.
    pub(super) fn slopes(&self, span_s: f64) -> (f64, f64, f64) {
        let within = (self.max_slope, self.min_slope, 1.0);
        let Some(mean_slope) = self.mean_slope.filter(|slope| *slope > LEAST_GROWTH) else { return within };
        let behind_s = f64::midpoint(self.max_ms, self.min_ms) / 1000.0 / mean_slope;
        if !(span_s..=LONGEST_S).contains(&behind_s) {
            return within;
        }
        (self.max_ms / 1000.0 / behind_s, self.min_ms / 1000.0 / behind_s, span_s / behind_s)
    }
}

/// Slower growth than this, seconds a second, does not say since when a consumer is behind.
const LEAST_GROWTH: f64 = 0.05;
/// Longer ago the load was another.
const LONGEST_S: f64 = 6.0 * 3_600.0;

/// Least squares.
pub(super) struct Line {
    pub(super) slope: f64,
    level: f64,
}

impl Line {
    pub(super) fn through(points: &[(f64, f64)]) -> Self {
        let n = points.len() as f64;
        let last = points.last().map_or(0.0, |(_, y)| *y);
        if points.len() < 3 {
            return Line { slope: 0.0, level: last };
        }
        let (mean_x, mean_y) =
            (points.iter().map(|p| p.0).sum::<f64>() / n, points.iter().map(|p| p.1).sum::<f64>() / n);
        let sxx: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
        let sxy: f64 = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
        let slope = sxy / sxx.max(1.0);
        let level = mean_y - slope * mean_x;
        Line { slope, level }
    }

    fn at(&self, x: f64) -> f64 {
        self.level + self.slope * x
    }
}
/// Older than this, in milliseconds, a shard works through a backlog and its batches are full.
pub const BEHIND_MS: f64 = 30_000.0;
