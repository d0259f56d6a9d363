//! The one figure that says how a thing is, over three hours: a stream consumer's iterator age, a
//! queue's oldest message or its depth. Each names its source and the age of its newest datapoint.

use std::borrow::Cow;

use ratatui::layout::Rect;

use crate::console::Console;
use crate::model::change::ChangeSubject;
use crate::model::finding::{Severity, Subject};
use crate::model::id::{FunctionName, MappingId, QueueName};
use crate::model::mapping::Mapping;
use crate::model::metric::{MetricKey, Metrics, Series, Stat};
use crate::model::rehearsal::Band;
use crate::model::time::Timestamp;
use crate::ui::widget::chart::{Chart, Line, Mark};
use crate::ui::widget::figure::{self, Unit};
use crate::ui::widget::ink::{Ink, Piece};
use crate::ui::widget::pane::{Frame, split_left};
use crate::ui::widget::{reading, sparkline};

const WINDOW_S: i64 = 3 * 3600;
/// How far ahead a forecast is drawn.
const AHEAD_S: i64 = 45 * 60;
/// A chart narrower than this stands alone.
const LEAST_COLUMNS: u16 = 80;

/// What charts and bars show: three hours up to the minute that has begun.
pub fn window(console: &Console) -> (Timestamp, Timestamp) {
    let to = console.now.floor_to(60).plus_s(60);
    (to.plus_s(-WINDOW_S), to)
}

/// One chart: what of, which series, from where.
pub struct Vital<'a> {
    pub title: String,
    unit: Unit,
    lines: Vec<Cow<'a, Series>>,
    /// What was foretold of the last change: the lower and the upper edge.
    band: Vec<Series>,
    source: &'static str,
    severity: Option<Severity>,
    marks: Vec<Mark>,
    empty: String,
    /// Whose runs are told beside it.
    pub function: Option<FunctionName>,
}

impl<'a> Vital<'a> {
    pub fn of_subject(console: &'a Console, subject: &Subject) -> Option<Self> {
        match subject {
            Subject::Mapping(id) => console.picture.mappings.get(id).map(|seen| Self::of_mapping(console, &seen.value)),
            Subject::Function(name) => match console.picture.mappings_of(name).next() {
                Some(seen) if seen.value.kind().is_stream() => Some(Self::of_mapping(console, &seen.value)),
                _ => Some(Self::of_function(console, name)),
            },
            Subject::Queue(name) => Some(Self::of_queue(console, name)),
            Subject::Account => None,
        }
    }

    pub fn of_mapping(console: &'a Console, mapping: &Mapping) -> Self {
        let severity = console.mapping_severity(mapping);
        let function = Some(mapping.function.clone());
        let marks = marks(console, &mapping.id, &mapping.function);
        if mapping.kind().is_queue() {
            let queue = QueueName::new(mapping.source.resource());
            let vital = Self::oldest(console, &queue);
            // A forecast is of ages.
            let foretold = if vital.unit == Unit::Age { band(console, &mapping.id) } else { Vec::new() };
            let title = if foretold.is_empty() { vital.title } else { format!("{}, dotted: forecast", vital.title) };
            return Vital { title, severity, function, marks, band: foretold, ..vital };
        }
        let key = |stat| MetricKey::lambda(&mapping.function, "IteratorAge", stat);
        let keys = [key(Stat::Maximum), key(Stat::Minimum)];
        let band = band(console, &mapping.id);
        let lines = keys.iter().filter_map(|key| console.picture.metrics.get(key)).map(Cow::Borrowed).collect();
        Vital {
            title: format!(
                "{} · iterator age, {}",
                mapping.function,
                if band.is_empty() { "max and min" } else { "dotted: forecast" }
            ),
            unit: Unit::Age,
            lines,
            band,
            source: "CloudWatch",
            severity,
            marks,
            empty: why_empty(console, &keys[0]),
            function,
        }
    }

    pub fn of_function(console: &'a Console, name: &FunctionName) -> Self {
        let errors = MetricKey::lambda(name, "Errors", Stat::Sum);
        let lines = console.picture.metrics.get(&errors).map(Cow::Borrowed).into_iter().collect();
        Vital {
            title: format!("{name} · errors a minute"),
            unit: Unit::Count,
            lines,
            band: Vec::new(),
            source: "CloudWatch",
            severity: console.worst(&Subject::Function(name.clone())).map(|finding| finding.severity),
            marks: function_marks(console, name),
            empty: why_empty(console, &errors),
            function: Some(name.clone()),
        }
    }

    /// How many wait: CloudWatch's history, or what our own polls saw when there is none.
    pub fn of_queue(console: &'a Console, name: &QueueName) -> Self {
        let key = MetricKey::sqs(name, "ApproximateNumberOfMessagesVisible", Stat::Maximum);
        let (series, source) = match console.picture.metrics.get(&key) {
            Some(series) => (Some(Cow::Borrowed(series)), "CloudWatch"),
            None => (depths(console, name).map(Cow::Owned), "own polls"),
        };
        let consumer = console.picture.function_of_queue(name).cloned();
        Vital {
            title: format!("{name} · messages ready, ~"),
            unit: Unit::Count,
            lines: series.into_iter().collect(),
            band: Vec::new(),
            source,
            severity: console.worst(&Subject::Queue(name.clone())).map(|finding| finding.severity),
            marks: queue_marks(console, name, consumer.as_ref()),
            empty: why_empty(console, &key),
            function: consumer,
        }
    }

    /// How old the oldest waiting message is; CloudWatch gives seconds.
    fn oldest(console: &'a Console, name: &QueueName) -> Self {
        let key = MetricKey::sqs(name, "ApproximateAgeOfOldestMessage", Stat::Maximum);
        let Some(series) = console.picture.metrics.get(&key) else { return Self::of_queue(console, name) };
        let mut ms = Series::default();
        ms.merge(series.iter().map(|(at, s)| (at, s * 1000.0)));
        Vital {
            title: format!("{name} · age of the oldest message"),
            unit: Unit::Age,
            lines: vec![Cow::Owned(ms)],
            band: Vec::new(),
            source: "CloudWatch",
            severity: None,
            marks: Vec::new(),
            empty: String::new(),
            function: None,
        }
    }

    /// `14 m 45 s, 2 m ago · CloudWatch`; shorter where that does not fit.
    fn notes(&self, now: Timestamp) -> Vec<String> {
        let Some((at, value)) = self.lines.first().and_then(|series| series.newest()) else {
            return vec![self.source.to_owned()];
        };
        let (value, age) = (self.unit.say(value), figure::age(now.ms_since(at)));
        vec![
            format!("{value}, {age} ago · {}", self.source),
            format!("{age} ago · {}", self.source),
            format!("{value}, {age} ago"),
        ]
    }

    /// The chart in a pane, and its function's runs under it where there is room.
    pub fn draw(&self, ink: &mut Ink<'_>, area: Rect, console: &Console) {
        let mut frame = Frame::new(self.title.clone(), ink);
        frame.notes = self.notes(console.now);
        let mut inside = frame.draw(ink, area);
        if let Some(function) = self.function.as_ref().filter(|_| inside.height >= 7) {
            let rule = Frame::new(format!("{function} · runs"), ink).note("3 h · CloudWatch");
            let y = inside.bottom() - 2;
            rule.rule(ink, area.x, y, area.width);
            runs(ink, Rect::new(inside.x, y + 1, inside.width, 1), console, function);
            inside.height -= 2;
        }
        self.chart(ink, inside, console);
    }

    pub fn chart(&self, ink: &mut Ink<'_>, area: Rect, console: &Console) {
        let theme = ink.theme;
        let first = match self.severity {
            Some(severity @ (Severity::Harm | Severity::Warning)) => theme.severity(severity),
            _ => theme.plain(),
        };
        let styles = [first, theme.dim()];
        let seen = self.lines.iter().zip(styles).map(|(series, style)| Line { series, style, dotted: false });
        let foretold = self.band.iter().map(|series| Line { series, style: theme.bold(), dotted: true });
        let lines = seen.chain(foretold).collect();
        let (mut window, mut marks) = (window(console), Cow::Borrowed(&self.marks));
        let ahead = self.band.iter().filter_map(|series| series.newest()).map(|(at, _)| at).max();
        if let Some(to) = ahead.filter(|to| *to > window.1) {
            // What comes is drawn too, and where it begins.
            window = (to.plus_s(-WINDOW_S), to);
            marks.to_mut().push(Mark { at: console.now, name: "now".to_owned() });
        }
        let empty = self.empty.as_str();
        Chart { window, unit: self.unit, lines, marks: &marks, empty }.draw(ink, area);
    }
}

/// In place of a chart, while there is nothing to draw one of.
pub fn none(ink: &mut Ink<'_>, area: Rect, console: &Console) {
    let inside = Frame::new("Vital figures", ink).draw(ink, area);
    let text = if console.picture.mappings.is_empty() { "no consumer is known yet" } else { "" };
    ink.text(inside.x, inside.y, inside.width, text, ink.theme.dim());
}

/// The `most` charts that matter now: of what the map's cursor is on, then of what is worst, then of
/// consumers, streams first.
pub fn worst(console: &Console, most: usize) -> Vec<Vital<'_>> {
    let current = console.current_finding().map(|finding| finding.subject.clone());
    let others = console.findings.iter().map(|finding| finding.subject.clone());
    let all = || console.picture.mappings.values();
    let streams = all().filter(|mapping| mapping.value.kind().is_stream()).chain(all());
    let mappings = streams.map(|mapping| Subject::Mapping(mapping.value.id.clone()));
    let mut subjects: Vec<Subject> = Vec::new();
    let mut vitals: Vec<Vital<'_>> = Vec::new();
    for subject in current.into_iter().chain(others).chain(mappings) {
        if vitals.len() == most {
            break;
        }
        if subjects.contains(&subject) {
            continue;
        }
        // Two subjects may have one vital figure: a function and its mapping.
        let vital = Vital::of_subject(console, &subject);
        vitals.extend(vital.filter(|vital| !vitals.iter().any(|other| other.title == vital.title)));
        subjects.push(subject);
    }
    vitals
}

/// The charts next to each other, as many as there is width for.
pub fn abreast(ink: &mut Ink<'_>, area: Rect, console: &Console, vitals: &[Vital<'_>]) {
    let fit = usize::from(area.width / LEAST_COLUMNS).clamp(1, vitals.len().max(1));
    let mut rest = area;
    for (n, vital) in vitals.iter().take(fit).enumerate() {
        let (left, right) = split_left(rest, rest.width / u16::try_from(fit - n).unwrap_or(1));
        vital.draw(ink, left, console);
        rest = right;
    }
}

/// `p95 1.3 s ▂▃▅  errors 5.4 % ▁▁▂  throttles 0 ▁▁▁  at once 4 ▂▂▂`
pub fn runs(ink: &mut Ink<'_>, area: Rect, console: &Console, function: &FunctionName) {
    let metrics = &console.picture.metrics;
    let key = |name: &str, stat| MetricKey::lambda(function, name, stat);
    let (label, duration) = duration_key(metrics, function);
    let errors = key("Errors", Stat::Sum);
    let parts = [
        (label, reading::mean(metrics, &duration, console.now).map(figure::duration), duration),
        ("errors", error_share(console, function).map(figure::percent), errors),
        (
            "throttles",
            reading::mean(metrics, &key("Throttles", Stat::Sum), console.now).map(per_minute),
            key("Throttles", Stat::Sum),
        ),
        (
            "at once",
            reading::newest(metrics, &key("ConcurrentExecutions", Stat::Maximum), console.now)
                .map(|(_, n)| figure::compact(n)),
            key("ConcurrentExecutions", Stat::Maximum),
        ),
    ];
    let each = area.width / 4;
    for (n, (label, value, key)) in parts.into_iter().enumerate() {
        let x = area.x + each * n as u16;
        let value = value.unwrap_or_else(|| figure::MISSING.to_owned());
        let pieces = [Piece::new(format!("{label} "), ink.theme.dim()), Piece::new(value, ink.theme.plain())];
        let used = ink.pieces(x, area.y, each.saturating_sub(1), &pieces) + 1;
        let room = each.saturating_sub(used + 2);
        if room >= 4 {
            let style = ink.theme.plain();
            sparkline::draw(ink, x + used, area.y, room, metrics.get(&key), window(console), style);
        }
    }
}

fn per_minute(sum: f64) -> String {
    if sum == 0.0 { "0".to_owned() } else { figure::rate(sum / 60.0) }
}

/// Which statistic of the duration there is: the slow ones first.
pub fn duration_key(metrics: &Metrics, function: &FunctionName) -> (&'static str, MetricKey) {
    let stats = [("p95", Stat::P95), ("p99", Stat::P99), ("mean", Stat::Average), ("slowest", Stat::Maximum)];
    let keys = stats.map(|(label, stat)| (label, MetricKey::lambda(function, "Duration", stat)));
    let found = keys.iter().find(|(_, key)| metrics.get(key).is_some()).unwrap_or(&keys[0]);
    found.clone()
}

/// Errors among runs over the newest complete minutes.
pub fn error_share(console: &Console, function: &FunctionName) -> Option<f64> {
    let metrics = &console.picture.metrics;
    let mean = |name| reading::mean(metrics, &MetricKey::lambda(function, name, Stat::Sum), console.now);
    let runs = mean("Invocations").filter(|runs| *runs > 0.0)?;
    Some(mean("Errors")? / runs)
}

/// The forecast of the change that is followed, as far as it is worth looking ahead.
fn band(console: &Console, mapping: &MappingId) -> Vec<Series> {
    let follow = console.follows.iter().find(|follow| follow.mapping == *mapping);
    let Some(foreseen) = follow.and_then(|follow| follow.foreseen.as_ref()) else { return Vec::new() };
    let last = console.now.plus_s(AHEAD_S);
    let minutes = foreseen.course_ms.iter().enumerate();
    let known = minutes.filter_map(|(n, band)| Some((foreseen.from.floor_to(60).plus_s(60 * n as i64), (*band)?)));
    let known: Vec<_> = known.take_while(|(at, _)| *at <= last).collect();
    let edge = |of: fn(&Band) -> f64| {
        let mut series = Series::default();
        series.merge(known.iter().map(|(at, band)| (*at, of(band))));
        series
    };
    vec![edge(|band| band.p10), edge(|band| band.p90)]
}

/// Our own polls by the minute, the highest of each.
pub fn depths(console: &Console, name: &QueueName) -> Option<Series> {
    let mut series = Series::default();
    let mut highest = 0.0_f64;
    let mut minute = None;
    for (at, counts) in console.picture.depths.get(name)? {
        let floor = at.floor_to(60);
        highest = if minute == Some(floor) { highest.max(counts.visible as f64) } else { counts.visible as f64 };
        minute = Some(floor);
        series.merge([(floor, highest)]);
    }
    Some(series).filter(|series| !series.is_empty())
}

fn marks(console: &Console, mapping: &MappingId, function: &FunctionName) -> Vec<Mark> {
    named(console, |subject| match subject {
        ChangeSubject::Mapping(id) => id == mapping,
        ChangeSubject::Function(name) => name == function,
        ChangeSubject::Queue(name) => reads(console, mapping, name),
        // What it changed is marked by itself.
        ChangeSubject::Stack(_) => false,
    })
}

fn reads(console: &Console, mapping: &MappingId, queue: &QueueName) -> bool {
    let source = console.picture.mappings.get(mapping).map(|seen| &seen.value.source);
    source.and_then(|arn| console.picture.queue_by_arn(arn)).is_some_and(|source| source.value.name == *queue)
}

/// Of a queue: its own, and those of the function that reads it or dies into it.
fn queue_marks(console: &Console, queue: &QueueName, consumer: Option<&FunctionName>) -> Vec<Mark> {
    named(console, |subject| match subject {
        ChangeSubject::Queue(name) => name == queue,
        ChangeSubject::Function(name) => Some(name) == consumer,
        ChangeSubject::Mapping(_) | ChangeSubject::Stack(_) => false,
    })
}

fn function_marks(console: &Console, function: &FunctionName) -> Vec<Mark> {
    named(console, |subject| matches!(subject, ChangeSubject::Function(name) if name == function))
}

fn named(console: &Console, about: impl Fn(&ChangeSubject) -> bool) -> Vec<Mark> {
    let changes = console.picture.changes.iter().filter(|change| about(&change.subject));
    changes.map(|change| Mark { at: change.at, name: change.what.clone() }).collect()
}

fn why_empty(console: &Console, key: &MetricKey) -> String {
    let picture = &console.picture;
    match (&picture.metrics_error, picture.metrics.asked_at(key)) {
        // The finding, or the line above the footer, says why; once is enough.
        (Some(_), _) => "no metrics: CloudWatch could not be read".to_owned(),
        (None, Some(at)) => format!(
            "no datapoint in 3 h, asked {} ago: CloudWatch publishes none while nothing runs",
            figure::age(console.now.ms_since(at))
        ),
        (None, None) => "not asked yet".to_owned(),
    }
}
