//! Figures read off the metrics for showing: the newest value, or a mean over complete minutes. Judges
//! nothing; the verdicts have their own windows.

use crate::model::metric::{MetricKey, Metrics};
use crate::model::time::Timestamp;

/// Minutes a shown rate is the mean of.
const MEAN_S: i64 = 300;
/// A value older than this is no longer "now".
const CURRENT_S: i64 = 900;

/// Things a second, from a `Sum`: the mean of the five newest complete minutes that have a datapoint.
pub fn per_s(metrics: &Metrics, key: &MetricKey, now: Timestamp) -> Option<f64> {
    mean(metrics, key, now).map(|sum| sum / 60.0)
}

/// The mean of the five newest complete minutes that have a datapoint. What was incomplete when it was
/// asked for is incomplete here until it is asked for again.
pub fn mean(metrics: &Metrics, key: &MetricKey, now: Timestamp) -> Option<f64> {
    let to = metrics.complete_until(key, now);
    let (sum, n) =
        metrics.get(key)?.between(to.plus_s(-MEAN_S), to).fold((0.0, 0.0), |(sum, n), (_, v)| (sum + v, n + 1.0));
    (n > 0.0).then(|| sum / n)
}

/// The newest value and when its minute began; `None` when it is older than a quarter of an hour.
pub fn newest(metrics: &Metrics, key: &MetricKey, now: Timestamp) -> Option<(Timestamp, f64)> {
    metrics.get(key)?.newest().filter(|(at, _)| now.ms_since(*at) <= CURRENT_S * 1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::FunctionName;
    use crate::model::metric::Stat;

    #[test]
    fn a_rate_leaves_out_what_is_incomplete_and_what_is_missing() {
        let key = MetricKey::lambda(&FunctionName::from("f"), "Invocations", Stat::Sum);
        let now = Timestamp::from_s(6000);
        let mut metrics = Metrics::default();
        assert_eq!(per_s(&metrics, &key, now), None);
        metrics.merge(&key, now, [(now.plus_s(-60), 1.0), (now.plus_s(-240), 600.0), (now.plus_s(-300), 1200.0)]);
        assert_eq!(per_s(&metrics, &key, now), Some(15.0));
        assert_eq!(newest(&metrics, &key, now), Some((now.plus_s(-60), 1.0)));
        assert_eq!(newest(&metrics, &key, now.plus_s(3600)), None);
        assert_eq!(per_s(&metrics, &key, now.plus_s(240)), Some(15.0), "the minute at -60 s was incomplete when asked");
    }
}
