//! The top line: where we are, whether anything may be written, how bad it is, what time it is, how
//! old the figures are and what watching costs. What matters less leaves first when it gets narrow.

use ratatui::layout::Rect;

use crate::console::Console;
use crate::console::armed::Armed;
use crate::model::finding::Severity;
use crate::model::scope::Scope;
use crate::model::time::Timestamp;
use crate::ui::screen::sandbox;
use crate::ui::widget::figure;
use crate::ui::widget::hostile;
use crate::ui::widget::ink::{Ink, Piece, width_of};

/// A part of the header; the higher its rank, the sooner it leaves.
struct Part {
    rank: u8,
    pieces: Vec<Piece>,
}

const GAP: u16 = 2;

pub fn draw(ink: &mut Ink<'_>, area: Rect, console: &Console) {
    let mut parts = parts(ink, console, false);
    let mut gap = GAP;
    if width(&parts, gap) > area.width {
        parts = self::parts(ink, console, true);
        gap = 1;
    }
    while parts.len() > 1 && width(&parts, gap) > area.width {
        let Some(worst) = (0..parts.len()).max_by_key(|at| parts[*at].rank) else { break };
        parts.remove(worst);
    }
    let mut x = 0;
    for part in &parts {
        if x >= area.width {
            break;
        }
        x += ink.pieces(area.x + x, area.y, area.width - x, &part.pieces) + gap;
    }
}

fn width(parts: &[Part], gap: u16) -> u16 {
    let gaps = gap * u16::try_from(parts.len().saturating_sub(1)).unwrap_or(0);
    parts.iter().map(|part| width_of(&part.pieces)).sum::<u16>() + gaps
}

/// Left to right; `short` where the whole does not fit.
fn parts(ink: &Ink<'_>, console: &Console, short: bool) -> Vec<Part> {
    let theme = ink.theme;
    let part = |rank, pieces| Part { rank, pieces };
    let dim = |rank, text: String| Part { rank, pieces: vec![Piece::new(text, theme.dim())] };
    let mut parts = vec![part(0, band(ink, console, short))];
    if let Some(at) = console.frozen_at {
        parts.push(part(1, vec![Piece::new(format!("FROZEN {} (f)", at.clock()), theme.selected())]));
    }
    if let Some((scenario, speed)) = sandbox::scenario_and_speed(console, short) {
        parts.push(dim(4, scenario));
        parts.push(part(3, vec![Piece::new(speed, theme.bold())]));
    }
    if let Some(scope) = console.scope.as_ref().filter(|scope| **scope != Scope::Everything) {
        parts.push(part(2, vec![Piece::new(hostile::visible(&scope.label()), theme.bold())]));
    }
    if console.from_cache {
        parts.push(part(1, vec![Piece::new("from cache", theme.selected())]));
    }
    parts.extend(writes(ink, console).map(|piece| part(1, vec![piece])));
    parts.push(part(1, counts(ink, console)));
    parts.push(part(2, vec![Piece::new(console.now.clock_s(), theme.bold())]));
    if let Some(offset_s) = console.options.utc_offset_s {
        // Local time beside the account's, in UTC.
        let local = console.now.plus_s(i64::from(offset_s)).clock();
        parts.push(dim(7, format!("{} local", local.trim_end_matches('Z'))));
    }
    parts.push(dim(5, format!("metrics {}", figure::ago(console.picture.metrics.newest_at(), console.now))));
    parts.push(dim(6, format!("queues {}", figure::ago(newest_queue(console), console.now))));
    if !console.options.sandbox
        && let Some(dollars) = console.cost.dollars_per_hour(console.now)
    {
        let total = if short { String::new() } else { format!(" · ${:.2} total", console.cost.total()) };
        parts.push(dim(8, format!("${dollars:.3}/h{total}")));
    }
    if console.mouse {
        parts.push(dim(9, "mouse".to_owned()));
    }
    parts
}

/// SANDBOX, or whose account and where.
fn band(ink: &Ink<'_>, console: &Console, short: bool) -> Vec<Piece> {
    if console.options.sandbox {
        return vec![Piece::new(" SANDBOX ", ink.theme.band_sandbox())];
    }
    let band = ink.theme.band_account(console.options.context.colour);
    let Some(identity) = console.picture.identity.as_ref().map(|identity| &identity.value) else {
        let name = &console.options.context.name;
        let name = if name.is_empty() { String::new() } else { format!("{name} · ") };
        return vec![Piece::new(format!(" {name}account not known yet "), band)];
    };
    let account = &identity.account;
    let digits = match (account.get(..4), account.get(4..8), account.get(8..12)) {
        // The last four digits are what is asked for when writes are armed.
        (Some(_), Some(_), Some(last))
            if short && (identity.alias.is_some() || !console.options.context.name.is_empty()) =>
        {
            format!("…{last}")
        }
        (Some(a), Some(b), Some(c)) if account.len() == 12 => format!("{a}-{b}-{c}"),
        _ => account.clone(),
    };
    let context = &console.options.context;
    let name = Some(context.name.clone()).filter(|name| !name.is_empty()).or_else(|| identity.alias.clone());
    let name = name.map(|name| format!("{name} · ")).unwrap_or_default();
    vec![Piece::new(format!(" {name}{digits} · {} ", identity.region), band)]
}

fn writes(ink: &Ink<'_>, console: &Console) -> Option<Piece> {
    match console.armed {
        Armed::Always => None,
        Armed::ReadOnly { locked: true } => Some(Piece::new("read-only, locked", ink.theme.plain())),
        Armed::ReadOnly { locked: false } => {
            Some(Piece::new(format!("read-only ({})", console.key_of("arm")), ink.theme.plain()))
        }
        Armed::Until(_) => {
            let left = console.armed.left_ms(console.mono).unwrap_or(0);
            let text = format!("▲ WRITES {}", figure::age(i64::try_from(left).unwrap_or(i64::MAX)));
            Some(Piece::new(text, ink.theme.severity(Severity::Warning)))
        }
    }
}

fn counts(ink: &Ink<'_>, console: &Console) -> Vec<Piece> {
    let mut pieces = Vec::new();
    // Before the first answer nothing is known to be well.
    let known = console.picture.topology.is_some() || !console.findings.is_empty();
    for severity in [Severity::Harm, Severity::Warning, Severity::Note] {
        let count = console.count(severity);
        let style = if count > 0 { ink.theme.severity(severity) } else { ink.theme.dim() };
        let space = if pieces.is_empty() { "" } else { " " };
        let count = if known { count.to_string() } else { figure::MISSING.to_owned() };
        pieces.push(Piece::new(format!("{space}{severity} {count}"), style));
    }
    pieces
}

fn newest_queue(console: &Console) -> Option<Timestamp> {
    console.picture.queues.values().map(|queue| queue.at).max()
}
