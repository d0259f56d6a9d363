//! One consumer: what is wrong with it, its settings and posture, what was changed and can be put
//! back, and its charts with the changes marked.

use ratatui::layout::Rect;

use crate::console::Console;
use crate::console::rows::source_name;
use crate::model::finding::{Finding, Severity};
use crate::model::id::MappingId;
use crate::model::mapping::{Mapping, MappingState};
use crate::model::observed::Observed;
use crate::model::time::spoken;
use crate::operation::card::plan_lines;
use crate::ui::screen::posture;
use crate::ui::screen::vital::Vital;
use crate::ui::widget::figure;
use crate::ui::widget::ink::{Ink, Piece};
use crate::ui::widget::pane::{Frame, split_left, split_top};
use crate::ui::widget::prose::Prose;

const WIDE: u16 = 110;
const DAY_MS: i64 = 86_400_000;
/// From this on the settings stand one a line above the chart too.
const ROOMY: u16 = 32;
/// The longest API name, and a space.
const NAME_COLUMNS: u16 = 31;

pub fn draw(ink: &mut Ink<'_>, area: Rect, console: &Console, id: &MappingId) {
    let Some(seen) = console.picture.mappings.get(id) else {
        let inside = Frame::new("Consumer", ink).draw(ink, area);
        let text = format!("mapping {id} is gone, or not read yet; esc goes back");
        ink.text(inside.x, inside.y, inside.width, &text, ink.theme.plain());
        return;
    };
    let brief = area.width < WIDE && area.height < ROOMY;
    let (text, charts) = if area.width >= WIDE {
        split_left(area, (area.width * 2 / 5).clamp(58, 84))
    } else {
        let wants = u16::try_from(told(ink, console, seen, area.width - 2, brief).len() + 2).unwrap_or(u16::MAX);
        split_top(area, wants.min(area.height * 2 / 3))
    };
    let arrow = if seen.value.kind().is_stream() { "═▶" } else { "─▶" };
    let title = format!("{} {arrow} {}", source_name(&seen.value), seen.value.function);
    let note = match &seen.stale {
        Some(why) => format!("stale, {} old: {why}", figure::age(seen.age_ms(console.now))),
        None => format!("read {} ago", figure::age(seen.age_ms(console.now))),
    };
    let inside = Frame::new(title, ink).note(note).focused(true).draw(ink, text);
    told(ink, console, seen, inside.width, brief).draw(ink, inside, 0);
    draw_charts(ink, charts, console, &seen.value);
}

fn draw_charts(ink: &mut Ink<'_>, area: Rect, console: &Console, mapping: &Mapping) {
    let first = Vital::of_mapping(console, mapping);
    let mut others = vec![Vital::of_function(console, &mapping.function)];
    if mapping.kind().is_queue() {
        others.insert(0, Vital::of_queue(console, &mapping.source.resource().into()));
    }
    others.retain(|other| other.title != first.title);
    for other in &mut others {
        // Its runs are told under the first chart.
        other.function = None;
    }
    // Each chart wants a dozen rows to be read.
    let fit = usize::from(area.height / 12).saturating_sub(1).min(others.len());
    let mut rest = area;
    for (n, vital) in std::iter::once(first).chain(others.into_iter().take(fit)).enumerate() {
        let (top, below) = split_top(rest, rest.height / u16::try_from(fit + 1 - n).unwrap_or(1));
        vital.draw(ink, top, console);
        rest = below;
    }
}

/// `brief` where it stands above the chart on few rows: settings in one paragraph, no evidence.
fn told(ink: &Ink<'_>, console: &Console, seen: &Observed<Mapping>, width: u16, brief: bool) -> Prose {
    let (theme, mapping) = (ink.theme, &seen.value);
    let mut prose = Prose::new(width);
    let sign = match mapping.state {
        MappingState::Enabled => Severity::Good,
        MappingState::Disabled => Severity::Warning,
        _ => Severity::Note,
    };
    let mut state =
        vec![Piece::new(format!("{sign} "), theme.severity(sign)), Piece::new(mapping.state.to_string(), theme.bold())];
    if let Some(reason) = &mapping.state_reason {
        state.push(Piece::new(format!(" · {reason}"), theme.dim()));
    }
    match mapping.last_modified {
        Some(at) => prose.line_with(
            state,
            Piece::new(format!("changed {} ago", figure::age(console.now.ms_since(at))), theme.dim()),
        ),
        None => prose.line(state),
    }
    for finding in about(console, seen) {
        let sign = Piece::new(format!("{} ", finding.severity), theme.severity(finding.severity));
        prose.item(sign, &finding.headline, theme.plain());
        if finding.severity <= Severity::Warning && !brief {
            finding.evidence.iter().for_each(|line| prose.text(2, line, theme.dim()));
        }
    }
    for follow in console.follows.iter().filter(|follow| follow.mapping == mapping.id) {
        prose.item(Piece::new("→ ", theme.bold()), &follow.line(), theme.plain());
    }
    if let Some(saved) = console.saved.get(&mapping.id) {
        let lines = plan_lines(&saved.back()).join(", ");
        prose.item(Piece::new("→ u ", theme.key()), &format!("puts back what was before: {lines}"), theme.plain());
    }
    posture::block(&mut prose, theme, console, &console.subjects_of(mapping), brief);
    let rows = settings(mapping).into_iter().chain(function_settings(console, mapping));
    if brief {
        let text: Vec<String> =
            rows.map(|(name, value)| format!("{name} {}", value.split(": ").next().unwrap_or(""))).collect();
        prose.text(0, &text.join(" · "), theme.dim());
    } else {
        prose.blank();
        let styles = (theme.dim(), theme.plain());
        rows.for_each(|(name, value)| prose.pair(name, NAME_COLUMNS.min(width / 2 + 2), &value, styles));
    }
    prose
}

/// Findings about the consumer, those with more harm first.
fn about<'a>(console: &'a Console, seen: &'a Observed<Mapping>) -> impl Iterator<Item = &'a Finding> {
    console.findings.iter().filter(|finding| Console::is_about(finding, &seen.value))
}

/// Settings and posture under the API's own names, told in words.
fn settings(mapping: &Mapping) -> Vec<(&'static str, String)> {
    let settings = &mapping.settings;
    let mut rows = vec![
        ("BatchSize", figure::or_missing(settings.batch_size)),
        ("MaximumBatchingWindow", settings.window_s.map_or("–".to_owned(), |s| format!("{s} s"))),
    ];
    if mapping.kind().is_stream() {
        let forever = |value: Option<i32>, unit: &str| match value {
            None => figure::MISSING.to_owned(),
            Some(-1) => "no limit: until the record expires".to_owned(),
            Some(n) => format!("{n}{unit}"),
        };
        rows.insert(
            0,
            (
                "ParallelizationFactor",
                settings.parallelization_factor.map_or(figure::MISSING.to_owned(), |n| {
                    format!("{} at once per shard", figure::plural(n.into(), "batch", "batches"))
                }),
            ),
        );
        rows.push(("MaximumRetryAttempts", forever(settings.max_retry_attempts, "")));
        rows.push(("MaximumRecordAge", forever(settings.max_record_age_s, " s")));
        rows.push((
            "BisectBatchOnFunctionError",
            match settings.bisect {
                Some(true) => "on".to_owned(),
                Some(false) => "off: a bad record blocks its batch".to_owned(),
                None => figure::MISSING.to_owned(),
            },
        ));
        let destination = settings.on_failure.as_ref().map(|arn| arn.resource().to_owned());
        rows.push((
            "on-failure destination",
            destination.unwrap_or_else(|| "none: records given up are lost".to_owned()),
        ));
    } else {
        rows.insert(
            0,
            (
                "MaximumConcurrency",
                settings.max_concurrency.map_or("no limit of its own".to_owned(), |n| n.to_string()),
            ),
        );
    }
    let partial = if settings.report_batch_item_failures { "on" } else { "off: one failure repeats the whole batch" };
    rows.push(("ReportBatchItemFailures", partial.to_owned()));
    if let Some(result) = &mapping.last_processing_result {
        rows.push(("LastProcessingResult", result.clone()));
    }
    rows
}

fn reserved(console: &Console, mapping: &Mapping) -> String {
    let asked = console.picture.function_settings.get(&mapping.function);
    match asked.map(|settings| settings.value.reserved_concurrency.known()) {
        Some(Ok(Some(limit))) => format!("{limit} reserved"),
        Some(Ok(None)) => "no reserved concurrency".to_owned(),
        Some(Err(_)) | None => "reserved concurrency –".to_owned(),
    }
}

fn function_settings(console: &Console, mapping: &Mapping) -> Vec<(&'static str, String)> {
    let Some(seen) = console.picture.functions.get(&mapping.function) else { return Vec::new() };
    let function = &seen.value;
    let mut rows = vec![(
        "function",
        format!(
            "time-out {}, {}, {}",
            function.timeout_s.map_or("–".to_owned(), |s| format!("{s} s")),
            function.memory_mb.map_or("–".to_owned(), |mb| format!("{mb} MB")),
            reserved(console, mapping),
        ),
    )];
    if let Some(at) = function.last_modified {
        let ago = console.now.ms_since(at).max(0);
        // The hour alone says nothing about another day.
        let when = if ago < DAY_MS { at.clock() } else { figure::moment(at) };
        rows.push(("function changed", format!("{when}, {} ago", spoken(ago))));
    }
    rows
}
