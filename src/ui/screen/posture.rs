//! What to mend while it is calm: every advice by rule, and of the one under the cursor why, from what,
//! and the lines that mend it. What could not be judged is counted and never called fine.

use ratatui::layout::Rect;

use crate::console::Console;
use crate::console::screen::window;
use crate::model::finding::{Severity, Subject};
use crate::model::posture::{Advice, PREFIX};
use crate::ui::theme::Theme;
use crate::ui::widget::figure;
use crate::ui::widget::ink::{Ink, Piece};
use crate::ui::widget::pane::{Frame, split_left, split_top};
use crate::ui::widget::prose::Prose;

const WIDE: u16 = 110;
/// Rows of the list are headlines: this is enough beside the text.
const LIST_COLUMNS: u16 = 56;

pub fn draw(ink: &mut Ink<'_>, area: Rect, console: &Console) {
    let rows = console.posture_rows();
    let (left, right) = if area.width >= WIDE {
        split_left(area, LIST_COLUMNS.max(area.width * 2 / 5))
    } else {
        let wants = u16::try_from(rows.len()).unwrap_or(u16::MAX).saturating_add(3);
        split_top(area, wants.clamp(6, area.height / 2))
    };
    list(ink, left, console, &rows);
    detail(ink, right, console);
}

fn list(ink: &mut Ink<'_>, area: Rect, console: &Console, rows: &[&Advice]) {
    let all = console.posture.advice.len();
    let mut frame = Frame::new("Posture", ink).focused(!console.posture_detail.focused);
    frame = match console.filter() {
        "" => frame.note(totals(console)),
        filter => frame.note(format!("{} of {all} match “{filter}”", rows.len())),
    };
    let inside = frame.draw(ink, area);
    let theme = ink.theme;
    if rows.is_empty() {
        nothing(ink, inside, console, all);
        return;
    }
    let selected = console.cursors.posture.row(&console.posture_keys()).unwrap_or(0);
    for (y, n) in (inside.y..).zip(window(selected, rows.len(), usize::from(inside.height))) {
        let advice = rows[n];
        let known = console.advice_acknowledgement(advice).is_some();
        let plain = if known { theme.dim() } else { theme.plain() };
        let sign = if known { theme.dim() } else { theme.severity(advice.severity) };
        let mut prose = Prose::new(inside.width);
        let note = if known { "acknowledged" } else { "" };
        prose.line_with(
            vec![Piece::new(format!("{} ", advice.severity), sign), Piece::new(advice.headline.clone(), plain)],
            Piece::new(note, theme.dim()),
        );
        if n == selected {
            prose.over_first(theme.selected());
        }
        prose.draw(ink, Rect::new(inside.x, y, inside.width, 1), 0);
    }
}

/// `▲ 3  ○ 5  – 4 not known`
fn totals(console: &Console) -> String {
    let count = |severity| console.posture.advice.iter().filter(|advice| advice.severity == severity).count();
    let unknown = console.posture.not_known.len();
    format!("▲ {}  ○ {}  – {unknown} not known", count(Severity::Warning), count(Severity::Note))
}

fn nothing(ink: &mut Ink<'_>, area: Rect, console: &Console, all: usize) {
    let theme = ink.theme;
    let mut prose = Prose::new(area.width);
    let fine: usize = console.posture.fine.iter().map(|(_, fine)| fine).sum();
    match (all, fine, console.posture.not_known.len()) {
        (1.., _, _) => prose.text(0, "nothing matches the filter; esc clears it", theme.plain()),
        (_, 0, 0) => prose.text(0, "not read yet", theme.plain()),
        (_, _, 0) => prose.text(0, "● nothing to mend in what the rules look at", theme.severity(Severity::Good)),
        _ => prose.text(0, "○ nothing to mend in what could be read", theme.plain()),
    }
    prose.draw(ink, area, 0);
}

fn detail(ink: &mut Ink<'_>, area: Rect, console: &Console) {
    let theme = ink.theme;
    let advice = console.current_advice();
    let title = advice.map_or("What mends it".to_owned(), |advice| advice.rule.replacen(PREFIX, "", 1));
    let frame = Frame::new(title, ink).focused(console.posture_detail.focused);
    let key = |name| console.key_of(name);
    let frame = match (advice.is_some(), console.posture_detail.focused) {
        (_, true) => frame.note(format!("{} back to the list", key("next-pane"))),
        (true, false) => {
            let (copy, open, pane) = (key("copy"), key("open"), key("next-pane"));
            let all = format!("{copy} copies the lines · {open} opens it · {pane} scrolls");
            frame.note(all).note(format!("{copy} copies · {pane} scrolls"))
        }
        (false, false) => frame,
    };
    let inside = frame.draw(ink, area);
    let mut prose = Prose::new(inside.width);
    if let Some(advice) = advice {
        told(&mut prose, theme, console, advice);
    }
    unknown(&mut prose, theme, console);
    prose.draw(ink, inside, console.posture_detail.scroll);
}

fn told(prose: &mut Prose, theme: Theme, console: &Console, advice: &Advice) {
    let sign = Piece::new(format!("{} ", advice.severity), theme.severity(advice.severity));
    prose.item(sign, &advice.headline, theme.bold());
    prose.text(2, &advice.why, theme.plain());
    for line in &advice.evidence {
        prose.text(2, line, theme.dim());
    }
    if let Some(known) = console.advice_acknowledgement(advice) {
        prose.text(2, &known.line(), theme.plain());
    }
    prose.blank();
    let options = &console.options;
    for line in advice.fix_lines(options.profile.as_deref(), options.endpoint_url.as_deref()) {
        prose.item(Piece::new("$ ", theme.key()), &line, theme.plain());
    }
    prose.text(0, &format!("or in the template: {}", advice.property), theme.dim());
}

/// What was not read, a line a rule: not known is not fine.
fn unknown(prose: &mut Prose, theme: Theme, console: &Console) {
    let mut rest = console.posture.not_known.as_slice();
    if !rest.is_empty() {
        prose.blank();
        prose.text(0, "not known:", theme.dim());
    }
    while let Some(first) = rest.first() {
        let end = rest.iter().take_while(|one| one.rule == first.rule).count();
        let more = if end > 1 { format!(" (and {} more)", end - 1) } else { String::new() };
        let rule = first.rule.strip_prefix(PREFIX).unwrap_or(&first.rule);
        let line = format!("{rule}: {}{more}: {}", subject_name(console, &first.subject), first.why);
        prose.item(Piece::new("– ", theme.dim()), &line, theme.dim());
        rest = &rest[end..];
    }
}

fn subject_name(console: &Console, subject: &Subject) -> String {
    match subject {
        Subject::Mapping(id) => {
            let mapping = console.picture.mappings.get(id);
            mapping.map_or_else(|| id.to_string(), |mapping| mapping.value.function.to_string())
        }
        Subject::Function(name) => name.to_string(),
        Subject::Queue(name) => name.to_string(),
        Subject::Account => "the account".to_owned(),
    }
}

/// The block on the screen of a consumer or a queue: a line each, or where it is tight one for all.
pub fn block(prose: &mut Prose, theme: Theme, console: &Console, subjects: &[Subject], brief: bool) {
    let advice: Vec<&Advice> = console.advice_about(subjects).collect();
    let Some(worst) = advice.iter().map(|advice| advice.severity).min() else { return };
    if brief {
        let things = figure::plural(advice.len() as u64, "thing", "things");
        let text = format!("{things} to mend while it is calm: {}", console.key_of("posture"));
        prose.item(Piece::new(format!("{worst} "), theme.dim()), &text, theme.dim());
        return;
    }
    prose.blank();
    let title = format!("posture, to mend while it is calm ({}):", console.key_of("posture"));
    prose.text(0, &title, theme.dim());
    for advice in advice {
        prose.item(Piece::new(format!("{} ", advice.severity), theme.dim()), &advice.headline, theme.plain());
    }
}
