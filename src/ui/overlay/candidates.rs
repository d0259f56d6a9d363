//! What a rehearsal says, under the fields: a row a setting, the recommended one marked, and below it
//! what it rests on. Every figure is an estimate and is called one.

use ratatui::layout::Rect;

use crate::console::overlay::TuneForm;
use crate::console::rehearsal::{Rehearsing, RehearsingState};
use crate::model::finding::Severity;
use crate::model::rehearsal::{Band, Candidate, Forecast, Rehearsal};
use crate::ui::theme::Theme;
use crate::ui::widget::figure::{self, MISSING};
use crate::ui::widget::ink::{Ink, Piece};
use crate::ui::widget::pane::first_row;
use crate::ui::widget::prose::Prose;

/// Heads, and the columns each takes with the blank before it; the first is the setting's own.
const HEADS: [(&str, u16); 9] = [
    ("parallel", 10),
    ("batch", 6),
    ("load", 7),
    ("drained in", 18),
    ("age: 5 m", 9),
    ("15 m", 7),
    ("60 m", 7),
    ("at once", 8),
    ("$/h", 6),
];

/// Rows wanted for all of it.
pub fn rows(rehearsing: Option<&Rehearsing>, form: &TuneForm, width: u16, theme: Theme) -> u16 {
    let candidates = match rehearsing.and_then(Rehearsing::done) {
        Some(rehearsal) if form.assumptions.is_none() => rehearsal.candidates.len() + 1,
        _ => 0,
    };
    u16::try_from(candidates + told(rehearsing, form, width, theme).len() + 1).unwrap_or(u16::MAX)
}

/// Answers the line that the words begin with.
pub fn draw(ink: &mut Ink<'_>, area: Rect, rehearsing: Option<&Rehearsing>, form: &TuneForm) -> usize {
    let words = told(rehearsing, form, area.width, ink.theme);
    let below = u16::try_from(words.len()).unwrap_or(u16::MAX);
    let mut y = area.y;
    if let Some(rehearsal) = rehearsing.and_then(Rehearsing::done).filter(|_| form.assumptions.is_none()) {
        y += table(ink, Rect { height: area.height.saturating_sub(below), ..area }, rehearsal, form);
    }
    words.draw(ink, Rect { y, height: area.bottom().saturating_sub(y), ..area }, form.assumptions.unwrap_or(0))
}

/// Answers the rows it took.
fn table(ink: &mut Ink<'_>, area: Rect, rehearsal: &Rehearsal, form: &TuneForm) -> u16 {
    let candidates = &rehearsal.candidates;
    if candidates.is_empty() || area.height < 2 {
        return 0;
    }
    let dim = ink.theme.dim();
    let mut x = area.x;
    let first = candidates[0].setting.head();
    for (n, (head, width)) in HEADS.into_iter().enumerate() {
        let head = if n == 0 { first } else { head };
        ink.text_right(x, area.y, width, head, dim);
        x += width;
    }
    let height = usize::from(area.height - 1).min(candidates.len());
    // Without the cursor among them the recommended one is what has to be seen.
    let at = form.candidate().or(rehearsal.recommended).unwrap_or(0).min(candidates.len() - 1);
    let first = first_row(at, candidates.len(), height);
    for (n, candidate) in candidates.iter().enumerate().skip(first).take(height) {
        let y = area.y + 1 + (n - first) as u16;
        let recommended = rehearsal.recommended == Some(n);
        let style = match (recommended, candidate.refused.is_some()) {
            (true, _) => ink.theme.bold(),
            (false, true) => ink.theme.dim(),
            (false, false) => ink.theme.plain(),
        };
        let sign = match (n, recommended) {
            (_, true) => "→",
            (0, false) => "now",
            _ => "",
        };
        ink.text(area.x, y, 3, sign, style);
        let mut x = area.x;
        for (cell, (_, width)) in cells(candidate).into_iter().zip(HEADS) {
            ink.text_right(x, y, width, &cell, style);
            x += width;
        }
        if form.candidate() == Some(n) {
            ink.restyle(Rect::new(area.x, y, area.width, 1), ink.theme.selected());
        }
    }
    height as u16 + 1
}

fn cells(candidate: &Candidate) -> [String; 9] {
    let (width, batch) = (candidate.setting.width(), candidate.setting.batch_size().to_string());
    let Some(forecast) = &candidate.forecast else {
        let gone = || MISSING.to_owned();
        return [width, batch, gone(), "refused".to_owned(), gone(), gone(), gone(), gone(), gone()];
    };
    let age = |band: Option<Band>| band.map_or(MISSING.to_owned(), |band| short(band.p50));
    [
        width,
        batch,
        format!("{:.0} %", forecast.load * 100.0),
        drained(forecast),
        age(forecast.age_ms[0]),
        age(forecast.age_ms[1]),
        age(forecast.age_ms[2]),
        forecast.concurrency_peak.to_string(),
        forecast.dollars_per_hour.map_or(MISSING.to_owned(), |dollars| format!("{dollars:.2}")),
    ]
}

/// `17 m (15–19 m)`: half of the runs, and eight in ten of them.
fn drained(forecast: &Forecast) -> String {
    match forecast.drain_s {
        None => "never".to_owned(),
        Some(drain) if drain.p90 < 60.0 => "at once".to_owned(),
        Some(drain) if drain.p90.is_infinite() => format!("{} or never", short(drain.p50 * 1000.0)),
        Some(drain) => {
            let (low, high) = (short(drain.p10 * 1000.0), short(drain.p90 * 1000.0));
            // One unit is enough where both have it.
            let low = match (low.rsplit_once(' '), high.rsplit_once(' ')) {
                (Some((figure, unit)), Some((_, other))) if unit == other => figure.to_owned(),
                _ => low.clone(),
            };
            format!("{} ({low}–{high})", short(drain.p50 * 1000.0))
        }
    }
}

/// `40 s`, `17 m`, `2.4 h`
fn short(ms: f64) -> String {
    match ms / 1000.0 {
        s if s < 90.0 => format!("{s:.0} s"),
        s if s < 5_400.0 => format!("{:.0} m", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}

/// What stands under the table, or in its place.
fn told(rehearsing: Option<&Rehearsing>, form: &TuneForm, width: u16, theme: Theme) -> Prose {
    let mut prose = Prose::new(width);
    let Some(rehearsing) = rehearsing else { return prose };
    match &rehearsing.state {
        RehearsingState::Reading => {
            prose.text(0, "rehearsing: reading its metrics … esc stops it", theme.dim());
        }
        RehearsingState::Running { done, of } => {
            prose.text(0, &format!("rehearsing: {done} of {of} runs; esc stops it"), theme.dim());
        }
        RehearsingState::Failed(why) => {
            prose.item(sign(theme, Severity::Warning), &format!("no rehearsal: {why}"), theme.plain());
        }
        RehearsingState::Cancelled => prose.text(0, "rehearsal stopped; R rehearses anew", theme.dim()),
        RehearsingState::Done(rehearsal) => of_done(&mut prose, rehearsal, form, theme),
    }
    prose
}

fn of_done(prose: &mut Prose, rehearsal: &Rehearsal, form: &TuneForm, theme: Theme) {
    match (rehearsal.recommended(), &rehearsal.declined) {
        (Some(candidate), _) => {
            prose.item(Piece::new("→ r ", theme.key()), &format!("recommended: {}", candidate.setting), theme.bold());
        }
        (None, Some(why)) => {
            prose.item(sign(theme, Severity::Note), &format!("nothing is recommended: {why}"), theme.plain());
        }
        (None, None) => {}
    }
    let looked_at = form.candidate().and_then(|row| rehearsal.candidates.get(row)).or(rehearsal.recommended());
    if let Some(candidate) = looked_at {
        prose.text(0, &detail(candidate), theme.plain());
    }
    prose.text(0, &backtest(rehearsal), theme.dim());
    if form.assumptions.is_some() {
        if let Some(today) = rehearsal.candidates.first() {
            prose.text(0, &format!("{}, whatever the setting", today.setting.order()), theme.plain());
        }
        rehearsal.assumptions.iter().for_each(|line| prose.text(0, &format!("assumes: {line}"), theme.plain()));
    }
}

fn detail(candidate: &Candidate) -> String {
    let Some(forecast) = &candidate.forecast else {
        let why = candidate.refused.as_deref().unwrap_or("it was not rehearsed");
        return format!("{} is refused: {why}", candidate.setting);
    };
    format!(
        "{}: {} runs/h; {} reach what is behind it, then {}; {} at once of {}{}; {}",
        candidate.setting,
        figure::compact(forecast.invocations_per_hour),
        figure::rate(forecast.out_per_s_peak),
        figure::rate(forecast.out_per_s),
        forecast.concurrency_peak,
        figure::count(forecast.concurrency_limit.into()),
        if forecast.throttles { ", throttled" } else { "" },
        candidate.setting.order(),
    )
}

fn backtest(rehearsal: &Rehearsal) -> String {
    let at = format!("figures of {}, all est", rehearsal.at.clock_s());
    match &rehearsal.backtest {
        Some(test) => format!(
            "{at} · backtest {}: {} m ago it would have foretold {}, seen {}",
            if test.good { "good" } else { "bad" },
            test.minutes,
            short(test.foretold_ms),
            short(test.seen_ms)
        ),
        None => format!("{at} · no backtest: the settings are too young"),
    }
}

fn sign(theme: Theme, severity: Severity) -> Piece {
    Piece::new(format!("{severity} "), theme.severity(severity))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short_enough_for_their_columns() {
        let said = [40_000.0, 1_020_000.0, 8_640_000.0].map(short);
        assert_eq!(said, ["40 s", "17 m", "2.4 h"]);
    }
}
