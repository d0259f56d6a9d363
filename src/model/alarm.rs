//! CloudWatch alarms as `DescribeAlarms` tells them, metric and composite ones.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::alarm_rule::Rule;
use crate::model::id::{AlarmName, Arn};
use crate::model::time::Timestamp;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum AlarmState {
    Ok,
    Alarm,
    /// The metric is missing: neither good nor bad is known.
    InsufficientData,
}

impl AlarmState {
    /// As `StateValue` spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            AlarmState::Ok => "OK",
            AlarmState::Alarm => "ALARM",
            AlarmState::InsufficientData => "INSUFFICIENT_DATA",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [AlarmState::Ok, AlarmState::Alarm, AlarmState::InsufficientData].into_iter().find(|s| s.as_str() == text)
    }
}

/// How a datapoint is compared with the threshold; the three kinds for anomaly detection have a band
/// instead of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Comparison {
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    OutsideBand,
    BelowBand,
    AboveBand,
}

impl Comparison {
    const ALL: [(Comparison, &'static str, &'static str); 7] = [
        (Comparison::Greater, "GreaterThanThreshold", ">"),
        (Comparison::GreaterOrEqual, "GreaterThanOrEqualToThreshold", "≥"),
        (Comparison::Less, "LessThanThreshold", "<"),
        (Comparison::LessOrEqual, "LessThanOrEqualToThreshold", "≤"),
        (Comparison::OutsideBand, "LessThanLowerOrGreaterThanUpperThreshold", "outside its expected band"),
        (Comparison::BelowBand, "LessThanLowerThreshold", "below its expected band"),
        (Comparison::AboveBand, "GreaterThanUpperThreshold", "above its expected band"),
    ];

    /// As `ComparisonOperator` spells it.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(one, _, _)| *one == self).map_or("", |(_, text, _)| text)
    }

    /// `>`, or in words where the threshold is a band.
    pub fn sign(self) -> &'static str {
        Self::ALL.iter().find(|(one, _, _)| *one == self).map_or("", |(_, _, sign)| sign)
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, name, _)| *name == text).map(|(one, _, _)| *one)
    }

    /// Whether `value` breaches; `None` where the threshold is a band.
    pub fn breaches(self, value: f64, threshold: f64) -> Option<bool> {
        match self {
            Comparison::Greater => Some(value > threshold),
            Comparison::GreaterOrEqual => Some(value >= threshold),
            Comparison::Less => Some(value < threshold),
            Comparison::LessOrEqual => Some(value <= threshold),
            Comparison::OutsideBand | Comparison::BelowBand | Comparison::AboveBand => None,
        }
    }
}

/// What a missing datapoint counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum TreatMissing {
    /// AWS's default: all missing is `INSUFFICIENT_DATA`.
    #[default]
    Missing,
    NotBreaching,
    Breaching,
    /// The state stays what it was.
    Ignore,
}

impl TreatMissing {
    /// As `TreatMissingData` spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            TreatMissing::Missing => "missing",
            TreatMissing::NotBreaching => "notBreaching",
            TreatMissing::Breaching => "breaching",
            TreatMissing::Ignore => "ignore",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        let all = [TreatMissing::Missing, TreatMissing::NotBreaching, TreatMissing::Breaching, TreatMissing::Ignore];
        all.into_iter().find(|one| one.as_str() == text)
    }
}

/// One metric an alarm looks at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmMetric {
    pub namespace: String,
    pub name: String,
    /// Sorted by name.
    pub dimensions: Vec<(String, String)>,
    /// `Maximum`, `p99` …: as CloudWatch spells it; alarms know more statistics than the charts do.
    pub stat: String,
    pub period_s: u32,
}

impl AlarmMetric {
    pub fn dimension(&self, name: &str) -> Option<&str> {
        self.dimensions.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricAlarm {
    /// More than one with metric math; none when the expression searches for its metrics.
    pub metrics: Vec<AlarmMetric>,
    /// The expression that is compared, where it is not a metric itself.
    pub expression: Option<String>,
    pub evaluation_periods: u32,
    /// AWS's default is all of the evaluation periods.
    pub datapoints_to_alarm: Option<u32>,
    /// `None` where it is a band.
    pub threshold: Option<f64>,
    pub comparison: Comparison,
    pub treat_missing: TreatMissing,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum AlarmKind {
    Metric(MetricAlarm),
    Composite {
        /// `ALARM("a") OR ALARM("b")`
        rule: String,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alarm {
    pub name: AlarmName,
    pub arn: Arn,
    pub description: Option<String>,
    pub kind: AlarmKind,
    pub state: AlarmState,
    /// Since when it is in this state.
    pub since: Option<Timestamp>,
    /// The last update of state or reason, which may be later.
    pub updated_at: Option<Timestamp>,
    pub reason: Option<String>,
    /// `StateReasonData`: JSON.
    pub reason_data: Option<String>,
    pub actions_enabled: bool,
    /// ARNs told when it goes to ALARM.
    pub actions: Vec<String>,
    /// Why a composite alarm's actions are held back, when they are.
    pub held_back: Option<String>,
}

impl Alarm {
    pub fn fires(&self) -> bool {
        self.state == AlarmState::Alarm
    }

    /// Somebody is told when it fires.
    pub fn pages(&self) -> bool {
        self.actions_enabled && !self.actions.is_empty()
    }

    pub fn metric(&self) -> Option<&MetricAlarm> {
        match &self.kind {
            AlarmKind::Metric(metric) => Some(metric),
            AlarmKind::Composite { .. } => None,
        }
    }

    /// The alarms a composite alarm's rule names, each once, in its order.
    pub fn children(&self) -> Vec<AlarmName> {
        match &self.kind {
            AlarmKind::Metric(_) => Vec::new(),
            AlarmKind::Composite { rule } => Rule::parse(rule).map(|rule| rule.names()).unwrap_or_default(),
        }
    }

    /// The newest value that was compared, as the state's reason tells it: its data, or its text.
    pub fn value(&self) -> Option<f64> {
        let data = self.reason_data.as_deref().and_then(value_in_data);
        data.or_else(|| self.reason.as_deref().and_then(value_in_text))
    }
}

/// `recentDatapoints` is oldest first.
fn value_in_data(data: &str) -> Option<f64> {
    if data.len() > MAX_REASON_BYTES || crate::model::nesting::nesting(data) > MAX_NESTING {
        return None;
    }
    let data: serde_json::Value = serde_json::from_str(data).ok()?;
    data.get("recentDatapoints")?.as_array()?.last()?.as_f64()
}

/// `… datapoints [984000.0 (26/11/26 01:02:00), …] were greater …`: newest first.
fn value_in_text(reason: &str) -> Option<f64> {
    let (_, rest) = reason.split_once(" datapoint")?;
    let (_, list) = rest.split_once('[')?;
    let number: String = list.chars().take_while(|c| c.is_ascii_digit() || "+-.eE".contains(*c)).collect();
    number.parse().ok().filter(|value: &f64| value.is_finite())
}

/// CloudWatch's own limit of `StateReasonData` is 4,000 characters.
const MAX_REASON_BYTES: usize = 16_384;
const MAX_NESTING: usize = 16;

/// Every alarm that was read, by name.
pub type Alarms = BTreeMap<AlarmName, Alarm>;

#[cfg(test)]
mod tests {
    use super::*;

    fn alarm(reason: &str, data: Option<&str>) -> Alarm {
        Alarm {
            name: "a".into(),
            arn: "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:a".into(),
            description: None,
            kind: AlarmKind::Composite { rule: "ALARM(\"b\") OR ALARM(b) AND NOT OK(c)".to_owned() },
            state: AlarmState::Alarm,
            since: None,
            updated_at: None,
            reason: Some(reason.to_owned()),
            reason_data: data.map(str::to_owned),
            actions_enabled: true,
            actions: Vec::new(),
            held_back: None,
        }
    }

    #[test]
    fn the_value_is_the_newest_of_the_data_or_of_the_text() {
        let text =
            "Threshold Crossed: 2 datapoints [0.5 (09/01/23 14:02:00), 1.0 (09/01/23 14:01:00)] were not greater";
        let data = r#"{"version":"1.0","period":60,"recentDatapoints":[1.0,7.25],"threshold":42.0}"#;
        assert_eq!(alarm(text, Some(data)).value(), Some(7.25));
        assert_eq!(alarm(text, Some(r#"{"recentDatapoints":[]}"#)).value(), Some(0.5));
        assert_eq!(alarm("Threshold Crossed: 1 datapoint [1.0E7 (x)] was", Some("{broken")).value(), Some(1e7));
        let without = "Threshold Crossed: no datapoints were received for 2 periods and 2 missing datapoints were \
                       treated as [Breaching].";
        for nothing in [without, "Insufficient Data: 1 datapoint was unknown.", "testing", ""] {
            assert_eq!(alarm(nothing, None).value(), None, "{nothing}");
        }
        assert_eq!(alarm("", Some(&"[".repeat(10_000))).value(), None);
    }

    #[test]
    fn spellings_are_awss() {
        for (comparison, text, _) in Comparison::ALL {
            assert_eq!((Comparison::parse(text), comparison.as_str()), (Some(comparison), text));
        }
        assert_eq!(AlarmState::parse("INSUFFICIENT_DATA"), Some(AlarmState::InsufficientData));
        assert_eq!(TreatMissing::parse("notBreaching"), Some(TreatMissing::NotBreaching));
        assert_eq!(Comparison::GreaterOrEqual.breaches(3.0, 3.0), Some(true));
        assert_eq!(Comparison::AboveBand.breaches(3.0, 3.0), None);
        let children = alarm("", None).children();
        assert_eq!(children, ["b".into(), "c".into()]);
    }
}
