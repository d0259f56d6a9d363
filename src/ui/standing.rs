//! The lines above the footer that stay while they are true: what runs and how far it is, and what
//! could not be read. They take rows only when there is something to say.

use ratatui::layout::Rect;

use crate::console::Console;
use crate::console::running::Running;
use crate::console::screen::Screen;
use crate::model::finding::Severity;
use crate::model::time::spoken;
use crate::operation::progress::{Kind, Limit, SaidBy};
use crate::ui::widget::figure;
use crate::ui::widget::gauge;
use crate::ui::widget::hostile;
use crate::ui::widget::ink::Ink;

/// Lines of each sort; the journal and the screens have the rest.
const MOST: usize = 3;
const BAR: u16 = 12;
const LEAST_TITLE: u16 = 18;

pub fn height(console: &Console) -> u16 {
    let lines = console.running().take(MOST).count() + troubles(console).len().min(MOST);
    u16::try_from(lines).unwrap_or(0)
}

pub fn draw(ink: &mut Ink<'_>, area: Rect, console: &Console) {
    let mut y = area.y;
    for operation in console.running().rev().take(MOST) {
        if y < area.bottom() {
            running(ink, Rect::new(area.x + 1, y, area.width.saturating_sub(2), 1), console, operation);
            y += 1;
        }
    }
    for text in troubles(console).into_iter().take(MOST) {
        if y < area.bottom() {
            let style = ink.theme.severity(Severity::Warning);
            ink.text(area.x + 1, y, 2, "▲ ", style);
            ink.text(area.x + 3, y, area.width.saturating_sub(4), &text, ink.theme.plain());
            y += 1;
        }
    }
}

fn troubles(console: &Console) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let told = console.troubles.iter().filter(|(asked, _)| !console.is_denied(**asked)).map(|(_, line)| line);
    let slower = slower(console);
    // One line for all of what was refused so.
    let told = told.filter(|line| slower.is_none() || !line.ends_with("; asking less often"));
    for line in console.skew_line().iter().chain(console.denied_line().iter()).chain(told).chain(slower.iter()) {
        if !lines.contains(line) {
            lines.push(line.clone());
        }
    }
    let all = lines.len();
    if matches!(console.screen(), Screen::Map) {
        // There the finding has it whole.
        let evidence = || console.findings.iter().flat_map(|finding| &finding.evidence);
        lines.retain(|line| !evidence().any(|said| said == line));
        if lines.len() < all {
            return lines;
        }
    }
    if let Some(error) = &console.picture.metrics_error
        && !lines.iter().any(|line| line.contains(error.as_str()) || error.contains(line.as_str()))
    {
        lines.push(error.clone());
    }
    lines
}

/// AWS asked for fewer questions, and what that does to what is shown.
fn slower(console: &Console) -> Option<String> {
    let times = console.cost.throttled_lately(console.now);
    if times == 0 {
        return None;
    }
    let metrics = figure::ago(console.picture.metrics.newest_at(), console.now);
    let queues = figure::ago(console.picture.queues.values().map(|queue| queue.at).min(), console.now);
    Some(format!("AWS says slower ({times} times): asking less often; metrics {metrics}, queues {queues}"))
}

/// `▶ Redrive 40 from JobDLQ ███████░░░ 28 done · 12 left · 20/s · about 1 s   p pause  X cancel`
fn running(ink: &mut Ink<'_>, area: Rect, console: &Console, operation: &Running) {
    let theme = ink.theme;
    let sign = if operation.is_paused() { "‖ " } else { "▶ " };
    let mut x = ink.text(area.x, area.y, area.width, sign, theme.bold());
    let title = hostile::width(&operation.title).min(LEAST_TITLE);
    let (text, keys) = fitting(console, operation, area.width.saturating_sub(x + title + 2));
    let keys_take = if keys.is_empty() { 0 } else { hostile::width(&keys) + 2 };
    // How far it is comes before the end of a long title.
    let room = area.width.saturating_sub(x + hostile::width(&text) + keys_take + 2).max(LEAST_TITLE);
    x += ink.text(area.x + x, area.y, room, &operation.title, theme.bold()) + 2;
    // The figures say it exactly; the bar only where it pushes nothing out.
    if x + BAR + 1 + hostile::width(&text) + keys_take <= area.width {
        gauge::draw(ink, area.x + x, area.y, BAR, share(operation), theme.plain());
        x += BAR + 1;
    }
    ink.text(area.x + x, area.y, area.width.saturating_sub(x), &text, theme.plain());
    ink.text_right(area.x, area.y, area.width, &keys, theme.dim());
}

/// How far it is and what can be pressed, within so many columns. What the card and the journal say too leaves
/// before the keys do; what is said nowhere else comes before them, since the help knows keys too.
fn fitting(console: &Console, operation: &Running, columns: u16) -> (String, String) {
    let Far { said, known } = far(operation);
    for keys in keys(console, operation) {
        for left in (0..=known.len()).rev() {
            let text = [&said[..], &known[..left]].concat().join(" · ");
            if hostile::width(&text) + 2 + hostile::width(&keys) <= columns {
                return (text, keys);
            }
        }
    }
    ([said, known].concat().join(" · "), String::new())
}

/// What can be pressed about it, and the same shorter.
fn keys(console: &Console, operation: &Running) -> Vec<String> {
    let key = |name: &str, what: &str| format!("{} {what}", console.key_of(name));
    let pause = if operation.is_paused() { "resume" } else { "pause" };
    let cancel = key("cancel", "cancel");
    if operation.kind != Kind::Redrive {
        return vec![cancel];
    }
    let keys = format!("{}  {cancel}", key("pause", pause));
    vec![format!("{} {}  {keys}", console.key_of("rate-down"), key("rate-up", "rate")), keys]
}

fn share(operation: &Running) -> Option<f64> {
    let progress = operation.progress.as_ref()?;
    let done = progress.done + progress.failed;
    let all = done + progress.left?;
    (all > 0).then(|| done as f64 / all as f64)
}

/// How far an operation is.
struct Far {
    said: Vec<String>,
    /// What leaves first where it gets narrow: the last of it before the others.
    known: Vec<String>,
}

fn far(operation: &Running) -> Far {
    let Some(progress) = &operation.progress else {
        return Far { said: vec![operation.line().to_owned()], known: Vec::new() };
    };
    let mut said = vec![operation.line().to_owned()];
    if operation.kind == Kind::Redrive {
        let all = progress.left.map(|left| format!(" of {}", figure::count(progress.done + progress.failed + left)));
        said = vec![format!("{}{} moved", figure::count(progress.done), all.unwrap_or_default())];
    }
    if progress.unsure > 0 {
        said.push(format!("{} more being made sure of", figure::count(progress.unsure)));
    }
    if progress.failed > 0 {
        said.push(format!("✖ {} failed", figure::count(progress.failed)));
    }
    said.extend(progress.rung.clone());
    if let Some(rate) = progress.rate_per_s.filter(|rate| *rate > 0.0) {
        said.push(figure::rate(rate));
    }
    if let Some(eta) = progress.eta_ms {
        said.push(format!("~{} left est", spoken(eta)));
    }
    said.extend(progress.limit.map(limit));
    let mut known = Vec::new();
    if let (true, Some(until)) = (progress.held > 0, progress.held_until) {
        // A redrive has more keys than one, and holds only while it sends.
        let place = if operation.kind == Kind::Redrive { &mut known } else { &mut said };
        place.push(format!("{} held until {}", figure::count(progress.held), until.clock_s()));
    }
    match operation.kind {
        Kind::MoveAll => known.push("in AWS".to_owned()),
        Kind::Scan | Kind::Redrive | Kind::Trial | Kind::Rescue | Kind::Rerun | Kind::Drop | Kind::Restore => {
            known.push("in this process: dies with this shell".to_owned())
        }
        Kind::Retune => {}
    }
    Far { said, known }
}

/// `limit 25/s, halved`
fn limit(limit: Limit) -> String {
    let by = match limit.by {
        SaidBy::Plan => "",
        SaidBy::Person => ", set",
        SaidBy::GaveWay => ", halved",
    };
    match limit.per_s {
        Some(per_s) => format!("limit {per_s}/s{by}"),
        None => format!("no limit{by}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::Asked;
    use crate::ui::{dump, scenes};

    fn of_redrive(width: u16, change: impl FnOnce(&mut crate::operation::progress::Progress)) -> String {
        let mut console = scenes::busy();
        let at = console.operations.iter().position(|operation| operation.kind == Kind::Redrive).expect("one runs");
        change(console.operations[at].progress.as_mut().expect("it has told"));
        dump::drawn(width, 1, |ink, area| running(ink, area, &console, &console.operations[at]))
    }

    #[test]
    fn the_keys_of_a_redrive_fit_beside_its_figures() {
        let line = of_redrive(118, |progress| progress.failed = 0);
        assert!(line.ends_with("< > rate  p pause  X cancel"), "{line}");
        assert!(line.contains("~14 s left est · limit 25/s, halved"), "{line}");
        assert!(!line.contains("dies with this shell"), "the card said it: {line}");
        let line = of_redrive(118, |_| {});
        assert!(line.ends_with("limit 25/s, halved  p pause  X cancel"), "the two that stop it: {line}");
        let line = of_redrive(200, |_| {});
        assert!(line.contains("dies with this shell") && line.ends_with("X cancel"), "{line}");
        let line = of_redrive(78, |_| {});
        assert!(line.contains("~14 s left est") && !line.contains("cancel"), "figures before keys: {line}");
    }

    #[test]
    fn what_an_earlier_life_did_is_told_while_it_is_looked_for() {
        let line = of_redrive(118, |progress| (progress.done, progress.unsure) = (946, 1_274));
        assert!(line.contains(" moved · 1,274 more being made sure of · "), "{line}");
        assert!(!of_redrive(118, |_| {}).contains("made sure"));
    }

    #[test]
    fn on_the_map_a_finding_that_says_it_whole_is_enough() {
        let mut console = scenes::account();
        let line = "metrics unavailable: cloudwatch:GetMetricData: NotAws".to_owned();
        console.picture.metrics_error = Some(line.clone());
        console.troubles.insert(Asked::Metrics, line.clone());
        console.troubles.insert(Asked::Identity, "sts: no".to_owned());
        console.screens = vec![Screen::Consumers];
        assert_eq!(troubles(&console).iter().filter(|said| **said == line).count(), 1);
        console.screens = vec![Screen::Map];
        assert!(troubles(&console).contains(&line), "no finding says it yet");
        console.findings = crate::verdict::judge(&console.picture, console.now);
        assert_eq!(troubles(&console), ["sts: no"]);
    }
}
