//! Every operation: when, who, what, what came of it. The one under the cursor in full below.

use ratatui::layout::Rect;

use crate::console::Console;
use crate::console::rows::JournalRow;
use crate::model::finding::Severity;
use crate::model::plan::Plan;
use crate::operation::card::plan_lines;
use crate::operation::order::EndState;
use crate::operation::record::Holder;
use crate::operation::trial::telling::summary_shown;
use crate::ui::theme::Theme;
use crate::ui::widget::figure;
use crate::ui::widget::ink::Ink;
use crate::ui::widget::pane::{Frame, split_top};
use crate::ui::widget::prose::Prose;
use crate::ui::widget::table::{Cell, Column, Row, Table};

const COLUMNS: [Column; 6] = [
    Column::new("", 1, 0),
    Column::new("began", 9, 0),
    Column::new("what", 26, 0).grow(2),
    Column::new("state", 9, 1),
    Column::new("what came of it", 22, 2).grow(3),
    Column::new("who", 14, 3).grow(1),
];
const DETAIL_ROWS: u16 = 10;
const NAMES: u16 = 12;

pub fn draw(ink: &mut Ink<'_>, area: Rect, console: &Console) {
    let below = if area.height >= 18 { DETAIL_ROWS.max(area.height / 3) } else { 0 };
    let (top, bottom) = split_top(area, area.height - below);
    let rows = console.journal_rows();
    let mut frame = Frame::new("Journal", ink).focused(true);
    if !console.filter().is_empty() {
        frame = frame.note(format!("{} match “{}”", rows.len(), console.filter()));
    }
    let inside = frame.draw(ink, top);
    let empty = match &console.journal {
        Err(why) => format!("the journal cannot be read: {why}"),
        Ok(_) if console.filter().is_empty() => "nothing was done yet".to_owned(),
        Ok(_) => "nothing matches the filter; esc clears it".to_owned(),
    };
    let selected = console.cursors.journal.row(&console.journal_keys());
    let table = Table { columns: &COLUMNS, len: rows.len(), selected, focused: true, empty: &empty };
    let theme = ink.theme;
    table.draw(ink, inside, |n| rows.get(n).map(|journal| row(theme, console, journal)).unwrap_or_default());
    if below > 0 {
        let inside = Frame::new("Operation", ink).draw(ink, bottom);
        if let Some(journal) = selected.and_then(|n| rows.get(n)) {
            detail(theme, console, journal, inside.width).draw(ink, inside, 0);
        }
    }
}

fn row(theme: Theme, console: &Console, journal: &JournalRow) -> Row {
    let (sign, state) = state(console, journal);
    let plain = |text: String| Cell::new(text, theme.plain());
    Row {
        cells: vec![
            Cell::new(sign.to_string(), theme.severity(sign)),
            plain(journal.began_at.clock_s()),
            Cell::new(title(console, journal), theme.bold()),
            plain(state.to_owned()),
            plain(summary(console, journal)),
            plain(journal.who.clone()),
        ],
        dim: false,
    }
}

/// What came of it; of a try, without what its function said of a message that is redacted.
fn summary(console: &Console, journal: &JournalRow) -> String {
    match &journal.plan {
        Plan::Trial(_) => summary_shown(&journal.summary, console.redaction_of_kept()),
        _ => journal.summary.clone(),
    }
}

fn state(console: &Console, journal: &JournalRow) -> (Severity, &'static str) {
    match journal.state {
        Some(EndState::Done) => (Severity::Good, "done"),
        Some(EndState::Partly) => (Severity::Warning, "in part"),
        Some(EndState::Cancelled) => (Severity::Note, "cancelled"),
        Some(EndState::Failed) => (Severity::Harm, "failed"),
        None if matches!(journal.holder, Holder::Other { .. }) => (Severity::Note, "elsewhere"),
        None if console.running().any(|running| running.id == journal.operation) => (Severity::Note, "running"),
        None => (Severity::Warning, "cut off"),
    }
}

/// As the row tells itself, but with the function's name where the plan knows a mapping by its id.
fn title(console: &Console, journal: &JournalRow) -> String {
    let title = journal.title();
    match &journal.plan {
        Plan::Retune(plan) => match console.picture.mappings.get(&plan.mapping) {
            Some(seen) => title.replace(plan.mapping.as_str(), seen.value.function.as_str()),
            None => title,
        },
        _ => title,
    }
}

fn detail(theme: Theme, console: &Console, journal: &JournalRow, width: u16) -> Prose {
    let mut prose = Prose::new(width);
    let styles = (theme.dim(), theme.plain());
    let (sign, state) = state(console, journal);
    let mut pair = |name: &str, value: String| prose.pair(name, NAMES, &value, styles);
    pair("what", title(console, journal));
    pair(
        "state",
        format!("{sign} {state}{}", journal.ended_at.map(|at| format!(" {}", at.clock_s())).unwrap_or_default()),
    );
    pair("came of it", if journal.summary.is_empty() { figure::MISSING.to_owned() } else { summary(console, journal) });
    if journal.moved + journal.failed + journal.open > 0 {
        let counts = [journal.moved, journal.failed, journal.open].map(figure::count);
        pair("messages", format!("{} moved, {} failed, {} open", counts[0], counts[1], counts[2]));
    }
    if let Plan::Retune(plan) = &journal.plan {
        pair("settings", plan_lines(plan).join(", "));
        pair("mapping", plan.mapping.to_string());
    }
    let reason = match &journal.plan {
        Plan::Redrive(plan) => plan.reason.as_ref(),
        Plan::MoveAll(plan) => plan.reason.as_ref(),
        Plan::Drop(plan) => plan.reason.as_ref(),
        Plan::Restore(plan) => plan.reason.as_ref(),
        Plan::Note(_) => None,
        Plan::Retune(plan) => plan.reason.as_ref(),
        Plan::Trial(plan) => plan.reason.as_ref(),
        Plan::Rescue(plan) => plan.reason.as_ref(),
        Plan::Rerun(plan) => plan.reason.as_ref(),
        Plan::Scan(_) => None,
    };
    if let Some(reason) = reason {
        pair("why", reason.clone());
    }
    match &journal.holder {
        Holder::Dead { who, why } if journal.state.is_none() => pair("left by", format!("{who}: {why}; r finishes it")),
        Holder::Other { who } => pair("runs in", who.clone()),
        _ => {}
    }
    pair("began", figure::moment(journal.began_at));
    pair("who", journal.who.clone());
    pair("where", format!("{} {}", journal.account, journal.region));
    pair("operation", journal.operation.to_string());
    prose
}
