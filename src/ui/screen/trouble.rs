//! What is wrong, worst first, each with its evidence and the key that helps: the answer, above every
//! picture. The finding under the cursor is always told in full; the others as far as there is room.

use ratatui::layout::Rect;

use crate::console::{Asked, Console};
use crate::model::finding::{Finding, Remedy, Severity, Subject};
use crate::model::time::spoken;
use crate::ui::screen::sandbox;
use crate::ui::theme::Theme;
use crate::ui::widget::figure;
use crate::ui::widget::ink::{Ink, Piece, width_of};
use crate::ui::widget::pane::Frame;
use crate::ui::widget::prose::Prose;
use crate::verdict;

const INDENT: u16 = 2;

/// How much is told of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Head,
    /// And the keys that help.
    Help,
    Whole,
}

/// Rows the pane would like at this width, its border included.
pub fn height(ink: &Ink<'_>, console: &Console, width: u16) -> u16 {
    let lines: usize =
        console.findings.iter().map(|finding| told(ink, console, finding, width - 2, Told::Whole).len()).sum();
    u16::try_from(lines.max(3) + 2).unwrap_or(u16::MAX)
}

pub fn draw(ink: &mut Ink<'_>, area: Rect, console: &Console) {
    let acknowledged = console.findings.iter().filter(|finding| console.acknowledgement(finding).is_some()).count();
    let mut frame = Frame::new("What is wrong", ink);
    // What an alarm is about is known once there is a map.
    let known = console.picture.topology.is_some();
    let elsewhere = if known { verdict::alarm::elsewhere(&console.picture) } else { 0 };
    let note = [(acknowledged, "acknowledged".to_owned()), (elsewhere, figure::alarms_elsewhere(elsewhere))];
    let note: Vec<String> = note.into_iter().filter(|(n, _)| *n > 0).map(|(n, text)| format!("{n} {text}")).collect();
    if !note.is_empty() {
        frame = frame.note(note.join(" · "));
    }
    let inside = frame.draw(ink, area);
    if console.findings.is_empty() {
        nothing(ink, inside, console);
        return;
    }
    let selected = console.cursors.findings.row(&console.finding_keys()).unwrap_or(0);
    let height = usize::from(inside.height);
    let much: Vec<Told> = expanded(ink, console, inside.width, height, selected);
    let mut prose = Prose::new(inside.width);
    let (mut from, mut to) = (0, 0);
    for (n, (finding, much)) in console.findings.iter().zip(much).enumerate() {
        let mut block = told(ink, console, finding, inside.width, much);
        if n == selected {
            (from, to) = (prose.len(), prose.len() + block.len());
            cursor(&mut block, ink);
        }
        prose.append(block);
    }
    // The selected finding is in view as a whole, or as much of it as fits.
    let first = if to > height { to.saturating_sub(height - usize::from(to < prose.len())).min(from) } else { 0 };
    prose.draw(ink, inside, first);
}

/// The selected finding is told whole, then from the top while there is room; of those after them the keys that
/// help, as far as there is room for that.
fn expanded(ink: &Ink<'_>, console: &Console, width: u16, height: usize, selected: usize) -> Vec<Told> {
    let mut much = vec![Told::Head; console.findings.len()];
    let extra = |finding: &Finding, much| told(ink, console, finding, width, much).len().saturating_sub(1);
    let mut left = height.saturating_sub(console.findings.len());
    let mut step = Told::Whole;
    for n in std::iter::once(selected).chain((0..much.len()).filter(|n| *n != selected)) {
        let Some(finding) = console.findings.get(n) else { continue };
        if n != selected && step == Told::Whole && extra(finding, step) > left {
            step = Told::Help;
        }
        let more = extra(finding, step);
        if n == selected || more <= left {
            much[n] = step;
            left = left.saturating_sub(more);
        }
    }
    much
}

fn told(ink: &Ink<'_>, console: &Console, finding: &Finding, width: u16, much: Told) -> Prose {
    let theme = ink.theme;
    let mut prose = Prose::new(width);
    let acknowledged = console.acknowledgement(finding);
    let style = if finding.severity == Severity::Harm { theme.bold() } else { theme.plain() };
    let head = vec![
        Piece::new(format!("{} ", finding.severity), theme.severity(finding.severity)),
        Piece::new(finding.headline.clone(), style),
    ];
    match finding.since {
        Some(since) if verdict::alarm::alarm_of(finding).is_some() => {
            // As the page says it, and the alarm's own page.
            prose.line_with(head, Piece::new(since.clock(), theme.dim()));
        }
        Some(since) => {
            let span = spoken_short(console.now.ms_since(since));
            prose.line_with(head, Piece::new(format!("for {span}"), theme.dim()));
        }
        None => prose.line(head),
    }
    if much == Told::Whole {
        for line in &finding.evidence {
            prose.text(INDENT, line, theme.plain());
        }
        if let Subject::Mapping(id) = &finding.subject {
            for follow in console.follows.iter().filter(|follow| follow.mapping == *id) {
                prose.text(INDENT, &follow.line(), theme.plain());
            }
        }
    }
    if much != Told::Head {
        remedies(&mut prose, console, finding, width, theme);
    }
    if let Some(known) = acknowledged {
        prose.text(INDENT, &known.line(), theme.plain());
        prose.over_from(0, theme.dim());
    }
    prose
}

/// `→ s scan · R redrive`: on one line when they fit, else one a line.
fn remedies(prose: &mut Prose, console: &Console, finding: &Finding, width: u16, theme: Theme) {
    let key = |remedy: &Remedy| {
        let key = console.key_of(&remedy.command);
        if key.is_empty() { key } else { format!("{key} ") }
    };
    let mut row = Vec::new();
    for remedy in &finding.remedies {
        row.push(Piece::new(if row.is_empty() { "  → " } else { " · " }, theme.key()));
        row.push(Piece::new(key(remedy), theme.key()));
        row.push(Piece::new(remedy.text.clone(), theme.plain()));
    }
    if row.is_empty() {
        return;
    }
    if width_of(&row) <= width {
        prose.line(row);
        return;
    }
    for remedy in &finding.remedies {
        prose.item(Piece::new(format!("  → {}", key(remedy)), theme.key()), &remedy.text, theme.plain());
    }
}

fn cursor(block: &mut Prose, ink: &Ink<'_>) {
    block.over_first(ink.theme.selected());
}

/// `41 m`, `2 h 5 m`
fn spoken_short(ms: i64) -> String {
    if ms < 3_600_000 { figure::age(ms) } else { spoken(ms) }
}

fn nothing(ink: &mut Ink<'_>, area: Rect, console: &Console) {
    let theme = ink.theme;
    let mut prose = Prose::new(area.width);
    let picture = &console.picture;
    match &picture.topology {
        None if !console.troubles.is_empty() && sandbox::preparing(console).is_none() => {
            prose.text(0, "the account could not be read; it is asked again by itself", theme.bold());
            let line = console.troubles.get(&Asked::Topology).or_else(|| console.troubles.values().next());
            prose.text(2, line.map_or("", String::as_str), theme.plain());
        }
        None => {
            let waits = sandbox::preparing(console).unwrap_or("asking the account what there is …");
            prose.text(0, waits, theme.plain());
        }
        Some(topology) if topology.value.nodes.is_empty() => {
            prose.text(0, "no function, queue or stream found here", theme.bold());
            prose.text(0, "wrong region, account or --prefix? what could not be read is named below", theme.plain());
        }
        Some(_) if picture.metrics.newest_at().is_none() => {
            prose.text(
                0,
                "○ no metrics yet: what is wrong cannot be told without them",
                theme.severity(Severity::Note),
            );
        }
        Some(_) => {
            prose.text(0, "● nothing is wrong that metrics and queues show", theme.severity(Severity::Good));
            let watched = format!(
                "watched: {}, {}; metrics {} old",
                figure::plural(picture.mappings.len() as u64, "consumer", "consumers"),
                figure::plural(picture.queues.len() as u64, "queue", "queues"),
                figure::ago(picture.metrics.newest_at(), console.now),
            );
            prose.text(2, &watched, theme.dim());
        }
    }
    for line in &console.missing {
        prose.item(Piece::new("not read: ", theme.dim()), line, theme.plain());
    }
    prose.draw(ink, area, 0);
}
