//! One metric alarm against what is published: M of N datapoints, and what counts for those that are
//! missing (CloudWatch's user guide, "Configuring how CloudWatch alarms treat missing data").

use crate::model::alarm::{AlarmState, MetricAlarm, TreatMissing};
use crate::model::metric::MetricKey;
use crate::model::time::Timestamp;
use crate::pipeline::alarm::reason::Evaluated;
use crate::pipeline::meter::Meter;

/// A state and why.
pub(super) struct Judgement {
    pub state: AlarmState,
    pub reason: String,
    pub data: String,
}

/// Minutes after which a minute is surely published whole (`meter/series.rs`: at most 181 s). An
/// alarm that looked at fresher ones would see gaps where there are none.
const PUBLISHED_MIN: i64 = 4;
/// Periods looked at beyond those evaluated, so that a gap need not count (CloudWatch: "evaluation
/// range", five for three).
const MORE_PERIODS: u32 = 2;

/// `None`: the state stays what it is.
pub(super) fn judge(
    alarm: &MetricAlarm,
    key: &MetricKey,
    before: AlarmState,
    now: Timestamp,
    meter: &Meter,
) -> Option<Judgement> {
    let period_s = alarm.metrics.first()?.period_s;
    let threshold = alarm.threshold?;
    let minutes = i64::from(period_s / 60);
    let end = (now.s().div_euclid(60) - PUBLISHED_MIN).div_euclid(minutes) * minutes;
    let range = alarm.evaluation_periods + MORE_PERIODS;
    // Newest first, as its reason tells them.
    let points: Vec<(Timestamp, Option<f64>)> = (1..=i64::from(range))
        .map(|back| end - back * minutes)
        .map(|start| (Timestamp::from_s(start * 60), meter.statistic(now, key, start..start + minutes)))
        .collect();
    let breaches = |value: f64| alarm.comparison.breaches(value, threshold).unwrap_or(false);
    let state = decide(alarm, &points.iter().map(|(_, value)| value.map(breaches)).collect::<Vec<_>>(), before)?;
    let evaluated = Evaluated { alarm, threshold, period_s, now, points: &points };
    Some(Judgement { state, reason: evaluated.text(state, before), data: evaluated.data() })
}

/// `points`: newest first; whether each breaches, `None` where there is none.
fn decide(alarm: &MetricAlarm, points: &[Option<bool>], before: AlarmState) -> Option<AlarmState> {
    let periods = alarm.evaluation_periods as usize;
    let needed = alarm.datapoints_to_alarm.unwrap_or(alarm.evaluation_periods) as usize;
    let real: Vec<(usize, bool)> =
        points.iter().enumerate().filter_map(|(at, one)| Some((at, (*one)?))).take(periods).collect();
    let breaching = real.iter().filter(|(_, breaches)| *breaches).count();
    let fine = real.len() - breaching;
    let missing = periods - real.len();
    if breaching >= needed {
        return Some(AlarmState::Alarm);
    }
    let state = match alarm.treat_missing {
        _ if missing == 0 => AlarmState::Ok,
        TreatMissing::NotBreaching => AlarmState::Ok,
        TreatMissing::Breaching if breaching + missing >= needed => AlarmState::Alarm,
        TreatMissing::Breaching => AlarmState::Ok,
        TreatMissing::Ignore if fine > periods - needed => AlarmState::Ok,
        TreatMissing::Ignore => return None,
        TreatMissing::Missing if real.is_empty() => AlarmState::InsufficientData,
        TreatMissing::Missing if fine > 0 => AlarmState::Ok,
        // Nothing but breaches is known: an alarm, unless the oldest of them is too young to tell.
        TreatMissing::Missing if real.last().is_some_and(|(at, _)| at + 1 >= needed) => AlarmState::Alarm,
        TreatMissing::Missing => before,
    };
    Some(state)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::alarm::{Comparison, TreatMissing};

    /// Oldest first, as CloudWatch's documentation draws it: `0` fine, `X` breaching, `-` missing.
    fn said(drawn: &str, treat_missing: TreatMissing, needed: u32) -> Option<AlarmState> {
        let alarm = MetricAlarm {
            metrics: Vec::new(),
            expression: None,
            evaluation_periods: 3,
            datapoints_to_alarm: Some(needed),
            threshold: Some(0.0),
            comparison: Comparison::Greater,
            treat_missing,
        };
        let points: Vec<Option<bool>> = drawn.chars().rev().map(|c| (c != '-').then_some(c == 'X')).collect();
        decide(&alarm, &points, AlarmState::Ok)
    }

    #[test]
    fn missing_data_is_treated_as_the_documentation_tables_it() {
        use AlarmState::{Alarm, InsufficientData, Ok};
        use TreatMissing::{Breaching, Ignore, Missing, NotBreaching};
        let table = [
            ("0-X-X", [Some(Ok), Some(Ok), Some(Ok), Some(Ok)]),
            ("----0", [Some(Ok), Some(Ok), Some(Ok), Some(Ok)]),
            ("-----", [Some(InsufficientData), None, Some(Alarm), Some(Ok)]),
            ("0XX-X", [Some(Alarm); 4]),
            ("--X--", [Some(Alarm), None, Some(Alarm), Some(Ok)]),
        ];
        for (drawn, wanted) in table {
            for (treat, wanted) in [Missing, Ignore, Breaching, NotBreaching].into_iter().zip(wanted) {
                assert_eq!(said(drawn, treat, 3), wanted, "{drawn} {treat:?}");
            }
        }
        assert_eq!(said("00X0X", NotBreaching, 2), Some(Alarm), "two of three");
        assert_eq!(said("0000X", NotBreaching, 2), Some(Ok));
        assert_eq!(said("----X", Missing, 3), Some(Ok), "too young: it stays what it was");
    }
}
