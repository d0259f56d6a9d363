//! Why an alarm is in its state, in CloudWatch's words and in its JSON.

use serde_json::{Value, json};

use crate::model::alarm::{Alarm, AlarmState, Comparison, MetricAlarm, TreatMissing};
use crate::model::time::Timestamp;

/// What a metric alarm was judged by.
pub(super) struct Evaluated<'a> {
    pub alarm: &'a MetricAlarm,
    pub threshold: f64,
    pub period_s: u32,
    pub now: Timestamp,
    /// The whole range, newest first.
    pub points: &'a [(Timestamp, Option<f64>)],
}

impl Evaluated<'_> {
    /// `StateReason`
    pub fn text(&self, state: AlarmState, before: AlarmState) -> String {
        let real = self.real();
        let (periods, known) = (self.alarm.evaluation_periods as usize, real.len());
        if state == AlarmState::InsufficientData {
            return format!("Insufficient Data: {} unknown.", plural(periods, "datapoint was", "datapoints were"));
        }
        if known == 0 {
            let treated = match self.alarm.treat_missing {
                TreatMissing::Breaching => "Breaching",
                _ => "NonBreaching",
            };
            return format!(
                "Threshold Crossed: no datapoints were received for {} and {} treated as [{treated}].",
                plural(periods, "period", "periods"),
                plural(periods, "missing datapoint was", "missing datapoints were")
            );
        }
        let fires = state == AlarmState::Alarm;
        let told: Vec<(Timestamp, f64)> =
            real.into_iter().filter(|(_, value)| self.breaches(*value) == fires).collect();
        let list: Vec<String> = told.iter().map(|(at, value)| format!("{value:?} ({})", day(*at))).collect();
        let verb = if told.len() == 1 { "was" } else { "were" };
        let not = if fires { "" } else { " not" };
        let (list, than) = (list.join(", "), words(self.alarm.comparison));
        let threshold = self.threshold;
        if periods == 1 {
            return format!(
                "Threshold Crossed: 1 datapoint [{list}] {verb}{not} {than} the threshold ({threshold:?})."
            );
        }
        let needed = self.alarm.datapoints_to_alarm.unwrap_or(self.alarm.evaluation_periods) as usize;
        let (needed, turn) = match (fires, before) {
            (true, _) => (needed, "OK -> ALARM"),
            (false, _) => (periods + 1 - needed, "ALARM -> OK"),
        };
        format!(
            "Threshold Crossed: {} out of the last {} [{list}] {verb}{not} {than} the threshold ({threshold:?}) (minimum {} \
             for {turn} transition).",
            told.len(),
            plural(periods, "datapoint", "datapoints"),
            plural(needed, "datapoint", "datapoints"),
        )
    }

    /// `StateReasonData`
    pub fn data(&self) -> String {
        let real = self.real();
        let oldest_first: Vec<f64> = real.iter().rev().map(|(_, value)| *value).collect();
        let evaluated: Vec<Value> =
            real.iter().map(|(at, value)| json!({"timestamp": iso(*at), "value": value})).collect();
        let mut data = json!({
            "version": "1.0",
            "queryDate": iso(self.now),
            "statistic": self.alarm.metrics.first().map(|metric| metric.stat.as_str()),
            "period": self.period_s,
            "recentDatapoints": oldest_first,
            "threshold": self.threshold,
            "evaluatedDatapoints": evaluated,
        });
        if let (Some((oldest, _)), Some(members)) = (real.last(), data.as_object_mut()) {
            members.insert("startDate".to_owned(), json!(iso(*oldest)));
        }
        data.to_string()
    }

    /// The datapoints that were evaluated, newest first.
    fn real(&self) -> Vec<(Timestamp, f64)> {
        let known = self.points.iter().filter_map(|(at, value)| Some((*at, (*value)?)));
        known.take(self.alarm.evaluation_periods as usize).collect()
    }

    fn breaches(&self, value: f64) -> bool {
        self.alarm.comparison.breaches(value, self.threshold).unwrap_or(false)
    }
}

/// Reason and data of a composite alarm that has just become `state`.
pub(super) fn composite(state: AlarmState, children: &[&Alarm]) -> (String, String) {
    let triggers: Vec<&&Alarm> = children.iter().filter(|child| child.state == state).collect();
    let triggers = if triggers.is_empty() { children.iter().collect() } else { triggers };
    let told: Vec<String> = triggers
        .iter()
        .map(|child| {
            let at = child.since.map_or_else(String::new, |at| format!(" at {}", long(at)));
            format!("{} transitioned to {}{at}", child.arn, child.state.as_str())
        })
        .collect();
    let data: Vec<Value> = triggers
        .iter()
        .map(|child| {
            let state = json!({"value": child.state.as_str(), "timestamp": child.since.map(iso)});
            json!({"arn": child.arn.as_str(), "state": state})
        })
        .collect();
    (told.join(", "), json!({ "triggeringAlarms": data }).to_string())
}

fn words(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::GreaterOrEqual => "greater than or equal to",
        Comparison::Less => "less than",
        Comparison::LessOrEqual => "less than or equal to",
        _ => "greater than",
    }
}

fn plural(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// `26/11/26 01:02:00`
fn day(at: Timestamp) -> String {
    format(at, "%d/%m/%y %H:%M:%S")
}

/// `Thursday 26 November, 2026 01:02:00 UTC`
fn long(at: Timestamp) -> String {
    format(at, "%A %d %B, %Y %H:%M:%S UTC")
}

fn format(at: Timestamp, how: &str) -> String {
    let at = jiff::Timestamp::from_millisecond(at.ms()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    at.strftime(how).to_string()
}

/// `2026-11-26T01:02:00.000+0000`
fn iso(at: Timestamp) -> String {
    at.to_string().replace('Z', "+0000")
}
