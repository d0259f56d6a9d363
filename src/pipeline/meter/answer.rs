//! `GetMetricData` over the meter (aws-facts §2.6): validation, periods, paging.

use crate::model::metric::{MetricKey, Stat};
use crate::model::service_error::ServiceError;
use crate::model::time::Timestamp;
use crate::pipeline::meter::minute::{Cell, Sketch};
use crate::pipeline::meter::series::{Series, minute_of};
use crate::pipeline::meter::{Meter, Name};
use crate::pipeline::request::{CloudWatchReply, GetMetricData, MetricResult};

/// Queries in one call (aws-facts §2.6).
pub const MAX_QUERIES: usize = 500;
/// Datapoints in one answer (aws-facts §2.6).
pub const MAX_DATAPOINTS: u32 = 100_800;
const ACTION: &str = "cloudwatch:GetMetricData";

impl Meter {
    /// Answers as CloudWatch would at `now`: what is not published yet is not there, an unknown
    /// metric is an empty result.
    ///
    /// # Errors
    /// ValidationError for what the API refuses, InvalidNextToken.
    pub fn get_metric_data(&self, now: Timestamp, ask: &GetMetricData) -> Result<CloudWatchReply, ServiceError> {
        check(ask)?;
        let page = match &ask.token {
            Some(text) => Page::parse(text).ok_or_else(|| refuse("InvalidNextToken", "The token is not valid."))?,
            None => Page { query: 0, skip: 0, now },
        };
        let mut left = usize::try_from(ask.max_datapoints.unwrap_or(MAX_DATAPOINTS)).unwrap_or(usize::MAX);
        let mut results = Vec::new();
        let mut next = None;
        for (index, (id, key, period_s)) in ask.queries.iter().enumerate().skip(page.query) {
            let skip = if index == page.query { page.skip } else { 0 };
            let mut points = self.points(page.now, key, *period_s, ask);
            points.drain(..skip.min(points.len()));
            let cut = points.len() > left;
            points.truncate(left);
            left -= points.len();
            let shown = points.len();
            results.push(MetricResult { id: id.clone(), label: key.name.clone(), points });
            if cut {
                next = Some(Page { query: index, skip: skip + shown, now: page.now });
                break;
            }
        }
        Ok(CloudWatchReply::MetricData { results, token: next.map(|page| page.text()) })
    }

    /// One statistic over some minutes since the epoch, as a query at `now` would see it; `None` where
    /// nothing is published.
    pub fn statistic(&self, now: Timestamp, key: &MetricKey, minutes: std::ops::Range<i64>) -> Option<f64> {
        stat_of(self.find(key)?, minutes, now, key.stat)
    }

    fn find(&self, key: &MetricKey) -> Option<&Series> {
        let mut dimensions = key.dimensions.clone();
        dimensions.sort();
        let name: Name = (key.namespace.clone(), key.name.clone(), dimensions);
        self.names.get(&name).and_then(|id| self.series.get(id.0 as usize))
    }

    /// The datapoints of one query, in the order asked for.
    fn points(&self, now: Timestamp, key: &MetricKey, period_s: u32, ask: &GetMetricData) -> Vec<(Timestamp, f64)> {
        let Some(series) = self.find(key) else { return Vec::new() };
        let period = i64::from(period_s) / 60;
        let kept = series.minutes();
        let from = ask.from.floor_to(i64::from(period_s));
        // Exclusive: a minute that begins before the end is in.
        let to = minute_of(ask.to.plus_ms(59_999)).min(kept.end);
        let first = minute_of(from).max(kept.start.div_euclid(period) * period);
        let mut points: Vec<_> = (0..)
            .map(|n| first + n * period)
            .take_while(|start| *start < to)
            .filter_map(|start| {
                let minutes = start..(start + period).min(to);
                stat_of(series, minutes, now, key.stat).map(|value| (Timestamp::from_s(start * 60), value))
            })
            .collect();
        if !ask.ascending {
            points.reverse();
        }
        points
    }
}

/// One statistic over some minutes; `None` where nothing is published.
fn stat_of(series: &Series, minutes: std::ops::Range<i64>, now: Timestamp, stat: Stat) -> Option<f64> {
    let mut cell = Cell::default();
    let mut sketch = Sketch::default();
    let percent = match stat {
        Stat::P95 => Some(95),
        Stat::P99 => Some(99),
        _ => None,
    };
    for minute in minutes {
        let seen = series.published(minute, now);
        cell.merge(&seen);
        if percent.is_some()
            && seen.count > 0
            && let Some(more) = series.sketch(minute)
        {
            sketch.merge(more);
        }
    }
    if cell.count == 0 {
        return None;
    }
    match stat {
        Stat::Sum => Some(cell.sum),
        Stat::Average => Some(cell.sum / f64::from(cell.count)),
        Stat::Minimum => Some(cell.min()),
        Stat::Maximum => Some(cell.max()),
        Stat::SampleCount => Some(f64::from(cell.count)),
        Stat::P95 | Stat::P99 => sketch.percentile(percent?).map(|value| value.clamp(cell.min(), cell.max())),
    }
}

/// Where the next page goes on, and the moment that the first page was answered at: pages of one
/// answer agree with each other.
struct Page {
    query: usize,
    skip: usize,
    now: Timestamp,
}

impl Page {
    fn text(&self) -> String {
        format!("{}.{}.{}", self.query, self.skip, self.now.ms())
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let query = parts.next()?.parse().ok()?;
        let skip = parts.next()?.parse().ok()?;
        let now = Timestamp::from_ms(parts.next()?.parse().ok()?);
        parts.next().is_none().then_some(Page { query, skip, now })
    }
}

fn check(ask: &GetMetricData) -> Result<(), ServiceError> {
    let invalid = |text: String| Err(refuse("ValidationError", &text));
    if ask.queries.is_empty() {
        return invalid("The parameter MetricDataQueries is required.".to_owned());
    }
    if ask.queries.len() > MAX_QUERIES {
        return invalid(format!("The collection MetricDataQueries must not have a size greater than {MAX_QUERIES}."));
    }
    if ask.from >= ask.to {
        return invalid("The parameter StartTime must be less than the parameter EndTime.".to_owned());
    }
    if ask.max_datapoints.is_some_and(|max| max == 0 || max > MAX_DATAPOINTS) {
        return invalid(format!("The parameter MaxDatapoints must be between 1 and {MAX_DATAPOINTS}."));
    }
    let mut ids = std::collections::BTreeSet::new();
    for (id, _, period_s) in &ask.queries {
        let starts = id.chars().next().is_some_and(|c| c.is_ascii_lowercase());
        if !starts || id.len() > 255 || id.chars().any(|c| !c.is_ascii_alphanumeric() && c != '_') {
            return invalid(format!("The value {id:?} for parameter Id is not matching the expected pattern."));
        }
        if !ids.insert(id) {
            return invalid(format!("The values for parameter Id in MetricDataQueries are not unique: {id}."));
        }
        if *period_s == 0 || period_s % 60 != 0 {
            return invalid(format!("Period must be a multiple of 60, not {period_s}."));
        }
    }
    Ok(())
}

fn refuse(code: &str, message: &str) -> ServiceError {
    ServiceError::new(ACTION, code, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::FunctionName;

    fn ask(stat: Stat, name: &str, period_s: u32) -> GetMetricData {
        GetMetricData {
            queries: vec![("q0".into(), MetricKey::lambda(&FunctionName::from("f"), name, stat), period_s)],
            from: Timestamp::ZERO,
            to: Timestamp::from_s(3600),
            ascending: true,
            max_datapoints: None,
            token: None,
        }
    }

    fn answer(meter: &Meter, now_s: i64, ask: &GetMetricData) -> (Vec<(i64, f64)>, Option<String>) {
        let reply = meter.get_metric_data(Timestamp::from_s(now_s), ask).expect("valid");
        let CloudWatchReply::MetricData { results, token } = reply else { panic!("not data: {reply:?}") };
        let points = results.into_iter().flat_map(|r| r.points).map(|(at, value)| (at.s(), value));
        (points.collect(), token)
    }

    fn meter() -> Meter {
        let mut meter = Meter::default();
        let errors = meter.lambda(&"f".into(), "Errors");
        let duration = meter.lambda(&"f".into(), "Duration");
        for s in 0..600 {
            if !(120..180).contains(&s) {
                meter.add(errors, Timestamp::from_s(s), 1.0);
                meter.add(duration, Timestamp::from_s(s), f64::from(i32::try_from(s % 100).expect("small")));
            }
        }
        meter
    }

    #[test]
    fn minutes_are_summed_into_periods_and_gaps_are_absent() {
        let meter = meter();
        let (minutes, _) = answer(&meter, 3600, &ask(Stat::Sum, "Errors", 60));
        assert_eq!(minutes.len(), 9);
        assert!(!minutes.iter().any(|(at, _)| *at == 120), "a gap is not 0");
        let (fives, _) = answer(&meter, 3600, &ask(Stat::Sum, "Errors", 300));
        assert_eq!(fives, [(0, 240.0), (300, 300.0)]);
        let descending = GetMetricData { ascending: false, ..ask(Stat::Maximum, "Duration", 300) };
        assert_eq!(answer(&meter, 3600, &descending).0, [(300, 99.0), (0, 99.0)]);
        let (p95, _) = answer(&meter, 3600, &ask(Stat::P95, "Duration", 300));
        assert!(p95.iter().all(|(_, value)| (93.0..=96.5).contains(value)), "{p95:?}");
    }

    #[test]
    fn the_newest_minutes_are_not_there_yet() {
        let (points, _) = answer(&meter(), 600, &ask(Stat::Sum, "Errors", 60));
        let (newest, _) = points.last().expect("older ones are there");
        assert!((360..=480).contains(newest), "{points:?}");
        assert!(points.iter().all(|(at, value)| *value == 60.0 || *at >= 360), "{points:?}");
    }

    #[test]
    fn what_does_not_exist_is_empty_and_what_is_wrong_is_refused() {
        let meter = meter();
        assert_eq!(answer(&meter, 3600, &ask(Stat::Sum, "Nothing", 60)).0, []);
        let good = ask(Stat::Sum, "Errors", 60);
        let bad = [
            ask(Stat::Sum, "Errors", 90),
            GetMetricData { to: Timestamp::ZERO, ..good.clone() },
            GetMetricData { queries: vec![good.queries[0].clone(); 2], ..good.clone() },
            GetMetricData { queries: Vec::new(), ..good.clone() },
            GetMetricData { token: Some("nonsense".into()), ..good.clone() },
        ];
        for ask in bad {
            assert!(meter.get_metric_data(Timestamp::from_s(3600), &ask).is_err(), "{ask:?}");
        }
    }

    #[test]
    fn pages_together_are_the_whole_answer() {
        let meter = meter();
        let mut ask = ask(Stat::Sum, "Errors", 60);
        ask.queries.push(("q1".into(), MetricKey::lambda(&"f".into(), "Duration", Stat::Sum), 60));
        let (whole, _) = answer(&meter, 3600, &ask);
        ask.max_datapoints = Some(4);
        let mut paged = Vec::new();
        loop {
            let (points, token) = answer(&meter, 3600, &ask);
            paged.extend(points);
            ask.token = token;
            if ask.token.is_none() {
                break;
            }
        }
        assert_eq!(paged, whole);
    }
}
