//! CloudWatch alarms on the pipeline's own metrics: their states, minute by minute, in its own time.
//! An alarm sees what is published and nothing else, and changes nothing but itself.

mod describe;
mod judge;
mod put;
mod reason;
pub mod standard;

use crate::model::alarm::{Alarm, AlarmKind, AlarmState, MetricAlarm};
use crate::model::alarm_rule::Rule;
use crate::model::id::{AlarmName, Arn};
use crate::model::metric::{MetricKey, Stat};
use crate::model::time::Timestamp;
use crate::pipeline::alarm::judge::{Judgement, judge};
use crate::pipeline::blueprint::{AlarmBlueprint, Blueprint, BlueprintError};
use crate::pipeline::meter::Meter;
use crate::pipeline::throttle::TokenBucket;

/// `DescribeAlarms` a second (aws-facts §2.6).
const DESCRIBE_RPS: u32 = 9;

#[derive(Debug)]
pub struct Alarms {
    /// Metric alarms first, each kind by name: the order they are described in.
    all: Vec<Entry>,
    limit: TokenBucket,
}

#[derive(Debug)]
struct Entry {
    alarm: Alarm,
    watch: Watch,
}

#[derive(Debug)]
enum Watch {
    Metric(MetricKey, MetricAlarm),
    Composite(Rule),
}

impl Alarms {
    /// Made when the pipeline is deployed: nothing is known yet. The blueprint was checked.
    pub fn new(blueprint: &Blueprint, start: Timestamp) -> Self {
        let mut all: Vec<Entry> = blueprint.alarms.iter().filter_map(|one| entry(blueprint, one, start)).collect();
        all.sort_by(|a, b| a.order().cmp(&b.order()));
        Alarms { all, limit: TokenBucket::new(DESCRIBE_RPS, start) }
    }

    /// Looks at every alarm anew. Composite ones follow within the same moment, however deep.
    pub fn evaluate(&mut self, now: Timestamp, meter: &Meter) {
        for entry in &mut self.all {
            if let Watch::Metric(key, alarm) = &entry.watch
                && let Some(Judgement { state, reason, data }) = judge(alarm, key, entry.alarm.state, now, meter)
            {
                entry.becomes(state, now, reason, data);
            }
        }
        for _ in 0..self.all.len() {
            if !self.follow(now) {
                break;
            }
        }
    }

    /// One pass over the composite alarms; true when one of them changed.
    fn follow(&mut self, now: Timestamp) -> bool {
        let mut changed = false;
        for index in 0..self.all.len() {
            let Watch::Composite(rule) = &self.all[index].watch else { continue };
            let find = |name: &AlarmName| self.all.iter().find(|other| other.alarm.name == *name);
            let fires = rule.holds(&|name| find(name).map(|other| other.alarm.state));
            let state = if fires { AlarmState::Alarm } else { AlarmState::Ok };
            if self.all[index].alarm.state == state {
                continue;
            }
            let children: Vec<&Alarm> = rule.names().iter().filter_map(find).map(|other| &other.alarm).collect();
            let (reason, data) = reason::composite(state, &children);
            self.all[index].becomes(state, now, reason, data);
            changed = true;
        }
        changed
    }
}

impl Entry {
    fn order(&self) -> (bool, &AlarmName) {
        (matches!(self.watch, Watch::Composite(_)), &self.alarm.name)
    }

    fn becomes(&mut self, state: AlarmState, now: Timestamp, reason: String, data: String) {
        if self.alarm.state != state {
            self.alarm.state = state;
            self.alarm.since = Some(now);
            self.alarm.updated_at = Some(now);
            self.alarm.reason = Some(reason);
            self.alarm.reason_data = Some(data);
        }
    }
}

fn entry(blueprint: &Blueprint, from: &AlarmBlueprint, start: Timestamp) -> Option<Entry> {
    let watch = watch(&from.kind)?;
    let alarm = Alarm {
        arn: arn(blueprint, &from.name),
        name: from.name.clone(),
        description: (!from.description.is_empty()).then(|| from.description.clone()),
        kind: from.kind.clone(),
        state: AlarmState::InsufficientData,
        since: Some(start),
        updated_at: Some(start),
        reason: Some("Unchecked: Initial alarm creation".to_owned()),
        reason_data: None,
        actions_enabled: from.actions_enabled,
        actions: from.actions.clone(),
        held_back: None,
    };
    Some(Entry { alarm, watch })
}

fn arn(blueprint: &Blueprint, name: &AlarmName) -> Arn {
    Arn::new(format!("arn:aws:cloudwatch:{}:{}:alarm:{name}", blueprint.region, blueprint.account))
}

fn watch(kind: &AlarmKind) -> Option<Watch> {
    match kind {
        AlarmKind::Metric(alarm) => Some(Watch::Metric(key(alarm)?, alarm.clone())),
        AlarmKind::Composite { rule } => Rule::parse(rule).ok().map(Watch::Composite),
    }
}

fn key(alarm: &MetricAlarm) -> Option<MetricKey> {
    let metric = alarm.metrics.first()?;
    Some(MetricKey {
        namespace: metric.namespace.clone(),
        name: metric.name.clone(),
        dimensions: metric.dimensions.clone(),
        stat: Stat::parse(&metric.stat)?,
    })
}

/// # Errors
/// The first alarm that could not be evaluated, and why.
pub fn check(alarms: &[AlarmBlueprint]) -> Result<(), BlueprintError> {
    for one in alarms {
        let wrong = |fault: String| BlueprintError::Alarm { name: one.name.clone(), fault };
        match &one.kind {
            AlarmKind::Metric(alarm) => check_metric(alarm).map_err(wrong)?,
            AlarmKind::Composite { rule } => {
                let rule = Rule::parse(rule).map_err(|error| wrong(error.to_string()))?;
                if let Some(name) = rule.names().into_iter().find(|name| !alarms.iter().any(|two| two.name == *name)) {
                    return Err(wrong(format!("its rule names the alarm {name}, which there is not")));
                }
            }
        }
    }
    Ok(())
}

fn check_metric(alarm: &MetricAlarm) -> Result<(), String> {
    let [metric] = alarm.metrics.as_slice() else { return Err("it needs one metric".to_owned()) };
    if Stat::parse(&metric.stat).is_none() {
        return Err(format!("the statistic {:?} is not kept", metric.stat));
    }
    if metric.period_s == 0 || metric.period_s % 60 != 0 {
        return Err(format!("the period must be a multiple of 60 s, not {}", metric.period_s));
    }
    // What CloudWatch takes: the periods together are at most a day.
    let most = 86_400 / metric.period_s;
    if alarm.evaluation_periods == 0 || alarm.evaluation_periods > most {
        return Err(format!("the evaluation periods must be 1 to {most}, not {}", alarm.evaluation_periods));
    }
    if alarm.datapoints_to_alarm.is_some_and(|count| count == 0 || count > alarm.evaluation_periods) {
        return Err(format!("the datapoints to alarm must be 1 to {}", alarm.evaluation_periods));
    }
    let threshold = alarm.threshold.filter(|threshold| threshold.is_finite());
    if threshold.and_then(|threshold| alarm.comparison.breaches(0.0, threshold)).is_none() {
        return Err("it needs a threshold that is a number".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::alarm::{AlarmMetric, Comparison, TreatMissing};
    use crate::pipeline::request::{CloudWatchReply, DescribeAlarms};
    use crate::pipeline::standard::standard;

    fn metric(name: &str, function: &str) -> AlarmBlueprint {
        let metric = AlarmMetric {
            namespace: "AWS/Lambda".to_owned(),
            name: "Errors".to_owned(),
            dimensions: vec![("FunctionName".to_owned(), function.to_owned())],
            stat: "Sum".to_owned(),
            period_s: 60,
        };
        blueprint(
            name,
            AlarmKind::Metric(MetricAlarm {
                metrics: vec![metric],
                expression: None,
                evaluation_periods: 1,
                datapoints_to_alarm: None,
                threshold: Some(0.0),
                comparison: Comparison::Greater,
                treat_missing: TreatMissing::NotBreaching,
            }),
        )
    }

    fn composite(name: &str, rule: &str) -> AlarmBlueprint {
        blueprint(name, AlarmKind::Composite { rule: rule.to_owned() })
    }

    fn blueprint(name: &str, kind: AlarmKind) -> AlarmBlueprint {
        AlarmBlueprint {
            name: name.into(),
            description: String::new(),
            kind,
            actions: Vec::new(),
            actions_enabled: true,
        }
    }

    fn alarms(list: Vec<AlarmBlueprint>) -> Alarms {
        Alarms::new(&Blueprint { alarms: list, ..standard() }, Timestamp::ZERO)
    }

    fn states(alarms: &Alarms) -> Vec<(&str, &str)> {
        alarms.all.iter().map(|entry| (entry.alarm.name.as_str(), entry.alarm.state.as_str())).collect()
    }

    #[test]
    fn a_metric_crosses_and_composites_follow_in_the_same_minute() {
        // Named so that the deepest composite comes before the one it follows.
        let mut alarms = alarms(vec![
            composite("a-deep", "ALARM(b-near) AND NOT ALARM(quiet)"),
            composite("b-near", "ALARM(\"loud\") OR ALARM(quiet)"),
            metric("loud", "LogWorker"),
            metric("quiet", "JobWorker"),
        ]);
        let mut meter = Meter::default();
        let errors = meter.lambda(&"LogWorker".into(), "Errors");
        meter.add(errors, Timestamp::from_s(605), 3.0);
        alarms.evaluate(Timestamp::from_s(600), &meter);
        let calm = [("loud", "OK"), ("quiet", "OK"), ("a-deep", "OK"), ("b-near", "OK")];
        assert_eq!(states(&alarms), calm);
        alarms.evaluate(Timestamp::from_s(900), &meter);
        let fired = [("loud", "ALARM"), ("quiet", "OK"), ("a-deep", "ALARM"), ("b-near", "ALARM")];
        assert_eq!(states(&alarms), fired);
        let loud = &alarms.all[0].alarm;
        assert_eq!((loud.since, loud.value()), (Some(Timestamp::from_s(900)), Some(3.0)));
        assert_eq!(
            loud.reason.as_deref(),
            Some("Threshold Crossed: 1 datapoint [3.0 (01/01/70 00:10:00)] was greater than the threshold (0.0).")
        );
        let near = alarms.all[3].alarm.reason.as_deref();
        let arn = "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:loud";
        let told = format!("{arn} transitioned to ALARM at Thursday 01 January, 1970 00:15:00 UTC");
        assert_eq!(near, Some(told.as_str()));
        // The minute with the errors is over: the alarm is too, and since when it is OK is known.
        alarms.evaluate(Timestamp::from_s(2_000), &meter);
        assert_eq!(states(&alarms), calm);
        assert_eq!(alarms.all[2].alarm.since, Some(Timestamp::from_s(2_000)));
    }

    #[test]
    fn what_cannot_be_evaluated_is_refused() {
        let faults = [
            (composite("c", "ALARM(nobody)"), "nobody, which there is not"),
            (composite("c", "ALARM("), "cannot be read at character"),
            (change(|alarm| alarm.metrics.clear()), "one metric"),
            (change(|alarm| alarm.metrics[0].stat = "tm99".to_owned()), "tm99"),
            (change(|alarm| alarm.metrics[0].period_s = 90), "multiple of 60"),
            (change(|alarm| alarm.evaluation_periods = 0), "1 to 1440"),
            (change(|alarm| alarm.datapoints_to_alarm = Some(2)), "1 to 1"),
            (change(|alarm| alarm.comparison = Comparison::AboveBand), "threshold"),
        ];
        for (alarm, said) in faults {
            let error = check(&[alarm]).expect_err(said).to_string();
            assert!(error.contains(said), "{error}");
        }
    }

    fn change(change: impl FnOnce(&mut MetricAlarm)) -> AlarmBlueprint {
        let mut alarm = metric("m", "LogWorker");
        if let AlarmKind::Metric(metric) = &mut alarm.kind {
            change(metric);
        }
        alarm
    }

    fn described(alarms: &mut Alarms, ask: &DescribeAlarms) -> (Vec<String>, Option<String>) {
        match alarms.describe(Timestamp::from_s(9_000), ask) {
            Ok(CloudWatchReply::Alarms { alarms, token }) => {
                (alarms.iter().map(|alarm| alarm.name.to_string()).collect(), token)
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn alarms_are_described_by_kind_name_and_state_and_in_pages() {
        let mut list: Vec<AlarmBlueprint> = (0..5).map(|n| metric(&format!("m{n}"), "LogWorker")).collect();
        list.push(composite("c", "ALARM(m0)"));
        let mut alarms = alarms(list);
        let all = DescribeAlarms { composite: true, metric: true, ..DescribeAlarms::default() };
        let (names, token) = described(&mut alarms, &DescribeAlarms { max: Some(4), ..all.clone() });
        assert_eq!((names.len(), names[3].as_str()), (4, "m3"));
        let (rest, end) = described(&mut alarms, &DescribeAlarms { max: Some(4), token, ..all.clone() });
        assert_eq!((rest, end), (vec!["m4".to_owned(), "c".to_owned()], None));
        let metrics_only = DescribeAlarms { composite: false, ..all.clone() };
        assert_eq!(described(&mut alarms, &metrics_only).0.len(), 5);
        let named = DescribeAlarms { names: vec!["c".into(), "m2".into(), "no".into()], ..all.clone() };
        assert_eq!(described(&mut alarms, &named).0, ["m2", "c"]);
        assert_eq!(described(&mut alarms, &DescribeAlarms { prefix: Some("m".into()), ..all.clone() }).0.len(), 5);
        let firing = DescribeAlarms { state: Some(AlarmState::Alarm), ..all.clone() };
        assert_eq!(described(&mut alarms, &firing).0, Vec::<String>::new());
        let refused = [
            DescribeAlarms { max: Some(101), ..all.clone() },
            DescribeAlarms { token: Some("x".into()), ..all.clone() },
            DescribeAlarms { prefix: Some("m".into()), ..named },
        ];
        for ask in refused {
            assert!(alarms.describe(Timestamp::from_s(9_001), &ask).is_err(), "{ask:?}");
        }
        let burst = (0..60).filter_map(|_| alarms.describe(Timestamp::from_s(9_100), &all).err()).next();
        assert_eq!(burst.map(|error| error.code).as_deref(), Some("Throttling"));
    }
}
