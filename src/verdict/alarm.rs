//! CloudWatch alarms that fire on something of the picture: what paged somebody. What an alarm is
//! about is told from its metrics' dimensions, a composite one's from its children's.

mod about;
mod figure;

pub use about::about;
pub use figure::figure;

use std::collections::BTreeSet;

use crate::model::alarm::{Alarm, AlarmKind, AlarmState, Alarms};
use crate::model::finding::{Finding, Remedy, Severity, Subject};
use crate::model::id::AlarmName;
use crate::model::metric::{MetricKey, Stat};
use crate::model::picture::Picture;
use crate::model::time::spoken;
use crate::verdict::dead_letters_arriving::functions as consumers_behind;
use crate::verdict::wording::remedy;

/// The rule's name of an alarm's finding: each alarm is a finding of its own.
pub fn rule_of(name: &AlarmName) -> String {
    format!("{PREFIX}{name}")
}

/// The alarm that a finding is about.
pub fn alarm_of(finding: &Finding) -> Option<AlarmName> {
    finding.rule.strip_prefix(PREFIX).map(AlarmName::from)
}

pub(super) const PREFIX: &str = "alarm:";

/// Firing alarms on anything of the picture, those that page first, then the earliest; and one note
/// about those that cannot tell.
pub(super) fn check(picture: &Picture) -> Vec<Finding> {
    let Some(alarms) = picture.alarms.as_ref().map(|observed| &observed.value) else { return Vec::new() };
    let told_by_parents = told_by_parents(picture, alarms);
    let mut firing: Vec<(&Alarm, Subject)> = alarms
        .values()
        .filter(|alarm| alarm.fires() && !told_by_parents.contains(&alarm.name))
        .filter_map(|alarm| Some((alarm, about(picture, alarm).into_iter().next()?)))
        .collect();
    firing.sort_by_key(|(alarm, _)| (!alarm.pages(), alarm.since, alarm.name.clone()));
    let mut findings: Vec<Finding> =
        firing.into_iter().map(|(alarm, subject)| finding(picture, alarms, alarm, subject)).collect();
    findings.extend(without_data(picture, alarms));
    findings
}

/// How many alarms page somebody about something that is not of this picture.
pub fn elsewhere(picture: &Picture) -> usize {
    let alarms = picture.alarms.iter().flat_map(|observed| observed.value.values());
    alarms.filter(|alarm| alarm.fires() && alarm.pages() && about(picture, alarm).is_empty()).count()
}

/// Alarms that page nobody themselves and are told in the finding of a composite one that fires.
fn told_by_parents(picture: &Picture, alarms: &Alarms) -> BTreeSet<AlarmName> {
    let parents = alarms.values().filter(|alarm| alarm.fires() && !about(picture, alarm).is_empty());
    let children = parents.flat_map(Alarm::children);
    children.filter(|name| alarms.get(name).is_some_and(|child| !child.pages())).collect()
}

fn finding(picture: &Picture, alarms: &Alarms, alarm: &Alarm, subject: Subject) -> Finding {
    let what = match &alarm.kind {
        AlarmKind::Metric(_) => figure(alarm),
        AlarmKind::Composite { .. } => firing_children(alarms, alarm),
    };
    let what = what.map(|what| format!(": {what}")).unwrap_or_default();
    Finding {
        rule: rule_of(&alarm.name),
        severity: Severity::Harm,
        headline: format!("alarm {}{what}", alarm.name),
        since: alarm.since,
        evidence: evidence(picture, alarms, alarm),
        remedies: remedies(picture, &subject),
        subject,
    }
}

fn evidence(picture: &Picture, alarms: &Alarms, alarm: &Alarm) -> Vec<String> {
    let mut lines = Vec::new();
    match &alarm.kind {
        AlarmKind::Metric(_) => lines.extend(measured(picture, alarm)),
        AlarmKind::Composite { rule } => {
            lines.extend(alarm.children().iter().map(|child| child_line(alarms, child)));
            lines.push(format!("fires when {}", rule.trim()));
        }
    }
    lines.extend(alarm.description.as_deref().and_then(|text| text.lines().next()).map(cut));
    // With a figure, CloudWatch's own sentence says again what the headline and the line above say.
    if let (AlarmKind::Metric(_), Some(reason), None) = (&alarm.kind, &alarm.reason, figure(alarm)) {
        lines.push(cut(&shortened(reason)));
    }
    lines.extend(silence(alarm));
    lines
}

/// `IteratorAge Maximum of LogWorker, 3 of 3 periods of 1 m; now 1,204 s at 03:10Z`
fn measured(picture: &Picture, alarm: &Alarm) -> Option<String> {
    let kind = alarm.metric()?;
    let since = alarm.since.map(|at| format!("since {}: ", at.clock())).unwrap_or_default();
    let periods = kind.evaluation_periods;
    let Some(metric) = kind.metrics.first() else {
        let expression = kind.expression.as_deref().unwrap_or("an expression");
        return Some(format!("{since}{}", cut(expression)));
    };
    let of = metric.dimensions.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(", ");
    let of = if of.is_empty() { "the account".to_owned() } else { of };
    let what = match &kind.expression {
        Some(expression) => format!("{} over {} and others of {of}", cut(expression), metric.name),
        None => format!("{} {} of {of}", metric.name, metric.stat),
    };
    let needed = kind.datapoints_to_alarm.unwrap_or(periods);
    let spoken = spoken(i64::from(metric.period_s) * 1000);
    let periods = match periods {
        1 => format!("1 period of {spoken}"),
        _ => format!("{needed} of {periods} periods of {spoken}"),
    };
    let now = newest(picture, alarm).map(|now| format!("; now {now}")).unwrap_or_default();
    Some(format!("{since}{what}, {periods}{now}"))
}

/// What the metric says now, where it is one that is read anyway: the alarm's own value is of when it
/// changed its state.
fn newest(picture: &Picture, alarm: &Alarm) -> Option<String> {
    let kind = alarm.metric().filter(|kind| kind.expression.is_none())?;
    let [metric] = kind.metrics.as_slice() else { return None };
    let key = MetricKey {
        namespace: metric.namespace.clone(),
        name: metric.name.clone(),
        dimensions: metric.dimensions.clone(),
        stat: Stat::parse(&metric.stat)?,
    };
    // One period of the series is a minute; a sum over five is not.
    let series = picture.metrics.get(&key).filter(|_| metric.period_s == 60)?;
    let (at, value) = series.newest()?;
    Some(format!("{} at {}", figure::say(kind, value), at.clock()))
}

/// `✖ iterator-age-high 984 s > 300 s since 01:02Z`
fn child_line(alarms: &Alarms, name: &AlarmName) -> String {
    let Some(child) = alarms.get(name) else { return format!("– {name}: not among the alarms that were read") };
    let since = child.since.map(|at| format!(" since {}", at.clock())).unwrap_or_default();
    match child.state {
        AlarmState::Ok => format!("{} {name} is OK{since}", Severity::Good),
        AlarmState::InsufficientData => format!("{} {name} has no data{since}", Severity::Note),
        AlarmState::Alarm => {
            let figure = figure(child).or_else(|| firing_children(alarms, child));
            let figure = figure.map(|figure| format!(": {figure}")).unwrap_or_default();
            format!("{} {name}{figure}{since}", Severity::Harm)
        }
    }
}

/// The names of the children that fire.
fn firing_children(alarms: &Alarms, alarm: &Alarm) -> Option<String> {
    let children = alarm.children();
    let firing: Vec<&str> =
        children.iter().filter(|name| alarms.get(name).is_some_and(Alarm::fires)).map(AlarmName::as_str).collect();
    (!firing.is_empty()).then(|| firing.join(", "))
}

/// Why nobody hears it.
fn silence(alarm: &Alarm) -> Option<String> {
    match alarm.held_back.as_ref() {
        _ if !alarm.actions_enabled => Some("its actions are disabled: it pages nobody".to_owned()),
        _ if alarm.actions.is_empty() => Some("it has no action: it pages nobody".to_owned()),
        Some(by) => Some(format!("its actions are held back by {by}")),
        None => None,
    }
}

fn remedies(picture: &Picture, subject: &Subject) -> Vec<Remedy> {
    let named = |name: &str, functions: Vec<String>| {
        let mut remedies = vec![remedy("open", format!("open {name}"))];
        remedies.extend(functions.into_iter().take(2).map(|name| remedy("logs", format!("logs of {name}"))));
        remedies
    };
    match subject {
        Subject::Function(name) => named(name.as_str(), vec![name.to_string()]),
        Subject::Mapping(id) => match picture.mappings.get(id).map(|observed| observed.value.function.to_string()) {
            Some(function) => named(&function.clone(), vec![function]),
            None => Vec::new(),
        },
        Subject::Queue(name) => {
            let queue = picture.queues.get(name).map(|observed| &observed.value);
            let mut functions = queue.map(|queue| consumers_behind(picture, queue)).unwrap_or_default();
            if let Some(queue) = queue.filter(|_| functions.is_empty()) {
                functions.extend(picture.readers_of(&queue.arn).map(|mapping| mapping.function.to_string()));
            }
            named(name.as_str(), functions)
        }
        Subject::Account => Vec::new(),
    }
}

/// Alarms about the picture that know nothing: one line for all of them, since on many accounts
/// those of idle functions never do.
fn without_data(picture: &Picture, alarms: &Alarms) -> Option<Finding> {
    let blind: Vec<(&Alarm, Subject)> = alarms
        .values()
        .filter(|alarm| alarm.state == AlarmState::InsufficientData)
        .filter_map(|alarm| Some((alarm, about(picture, alarm).into_iter().next()?)))
        .collect();
    let names: Vec<&str> = blind.iter().map(|(alarm, _)| alarm.name.as_str()).collect();
    let (headline, subject) = match blind.as_slice() {
        [] => return None,
        [(alarm, subject)] => (format!("alarm {} cannot tell: it has no data", alarm.name), subject.clone()),
        more => (format!("{} alarms cannot tell: they have no data", more.len()), Subject::Account),
    };
    let since = blind.iter().filter_map(|(alarm, _)| alarm.since).min();
    let more = names.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let listed = names.get(..NAMED.min(names.len())).unwrap_or_default().join(", ");
    Some(Finding {
        rule: "alarms-without-data".to_owned(),
        severity: Severity::Note,
        remedies: remedies(picture, &subject),
        subject,
        headline,
        since,
        evidence: vec![
            format!("INSUFFICIENT_DATA: {listed}{more}"),
            "neither good nor bad is known by them".to_owned(),
        ],
    })
}

/// The reason without its list of datapoints, and without what it would take to change.
fn shortened(reason: &str) -> String {
    let mut text = reason.to_owned();
    if let (Some(from), Some(to)) = (text.find(" ["), text.find(']'))
        && from < to
        && reason.contains("datapoint")
        && !reason.contains("treated as")
    {
        text.replace_range(from..=to, "");
    }
    match text.find(" (minimum ") {
        Some(at) => format!("{}.", &text[..at]),
        None => text,
    }
}

fn cut(text: &str) -> String {
    let text = text.trim();
    match text.char_indices().nth(MAX_CHARS) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// Names listed of alarms without data.
const NAMED: usize = 6;
/// A line on screen; descriptions may be 1,024 characters long.
const MAX_CHARS: usize = 200;

#[cfg(test)]
mod tests;
