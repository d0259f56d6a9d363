//! What a function answered to the message that was tried on it: the verdict, where the message is now,
//! the answer as it came, the end of its log. All of it was written by somebody else.

use ratatui::layout::Rect;

use crate::console::Console;
use crate::console::overlay::Tried;
use crate::model::finding::Severity;
use crate::model::time::spoken;
use crate::model::trial::Verdict;
use crate::operation::progress::TrialReport;
use crate::ui::overlay::{sheet, sheet_width};
use crate::ui::theme::Theme;
use crate::ui::widget::ink::{Ink, Piece};
use crate::ui::widget::pane::Frame;
use crate::ui::widget::prose::Prose;

const WIDTH: u16 = 104;
const NAMES: u16 = 10;

pub fn draw(ink: &mut Ink<'_>, area: Rect, console: &Console, tried: &Tried) -> usize {
    let report = &tried.report.shown(console.redaction());
    let width = sheet_width(area, WIDTH);
    let prose = told(ink.theme, report, width - 4);
    let wants = u16::try_from(prose.len() + 2).unwrap_or(u16::MAX);
    let mut frame = Frame::new(format!("Tried {} on {}", report.id.short(), report.function), ink);
    let took = report.took_ms.map(|ms| format!("answered in {}", spoken(ms)));
    let notes = [took, console.redaction_note()];
    let notes: Vec<String> = notes.into_iter().flatten().collect();
    if let Some(last) = notes.last().cloned() {
        frame = frame.note(notes.join(" · ")).note(last);
    }
    let inside = sheet(ink, area, (width, wants), &frame);
    prose.draw(ink, inside, tried.scroll)
}

fn told(theme: Theme, report: &TrialReport, width: u16) -> Prose {
    let mut prose = Prose::new(width);
    let (severity, head, why) = match &report.verdict {
        Verdict::Succeeded if report.deleted => (Severity::Good, "came through", None),
        Verdict::Succeeded if report.doubtful => (Severity::Warning, "came through, and is perhaps deleted", None),
        Verdict::Succeeded => (Severity::Warning, "came through, but its message is still in the queue", None),
        Verdict::Failed(why) => (Severity::Harm, "failed", Some(why)),
        Verdict::MayHaveRun(why) => (Severity::Warning, "no answer: it may have run", Some(why)),
        Verdict::NotRun(why) => (Severity::Note, "was not run", Some(why)),
    };
    let sign = Piece::new(format!("{} ", severity.sign()), theme.severity(severity));
    prose.item(sign, &format!("{} {head}", report.function), theme.bold());
    if let Some(why) = why {
        prose.text(2, why, theme.plain());
    }
    prose.blank();
    let styles = (theme.dim(), theme.plain());
    prose.pair("message", NAMES, report.id.as_str(), styles);
    let place = match (&report.verdict, report.deleted) {
        (_, true) => format!("deleted from {}", report.queue),
        (Verdict::Succeeded, false) if report.doubtful => {
            format!(
                "perhaps deleted from {}: look again before it is redriven, which would do the work twice",
                report.queue
            )
        }
        (Verdict::Succeeded, false) => format!("still in {}: redriving it would do the work twice", report.queue),
        (Verdict::NotRun(_), false) => format!("untouched in {}", report.queue),
        (Verdict::Failed(_) | Verdict::MayHaveRun(_), false) => format!("stays in {}", report.queue),
    };
    prose.pair("now", NAMES, &place, styles);
    if let Some(problem) = &report.problem {
        prose.pair("but", NAMES, problem, styles);
    }
    if let Some(answer) = &report.answer {
        prose.blank();
        prose.text(0, "answer, as it came", theme.dim());
        prose.text(2, if answer.is_empty() { "(empty)" } else { answer }, theme.plain());
    }
    if let Some(log) = report.log_tail.as_deref().filter(|log| !log.trim().is_empty()) {
        prose.blank();
        prose.text(0, "the end of its log, at most 4 KB", theme.dim());
        log.lines().for_each(|line| prose.text(2, line, theme.plain()));
    }
    prose
}
