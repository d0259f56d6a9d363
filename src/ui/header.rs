//! The top line: where we are, whether anything may be written, how bad it is, what time it is, how
//! old the figures are and what watching costs. What matters less leaves first when it gets narrow.

use ratatui::layout::Rect;

use crate::console::Console;
use crate::console::armed::Armed;
use crate::model::finding::Severity;
use crate::model::time::Timestamp;
use crate::ui::widget::figure;
use crate::ui::widget::ink::{Ink, Piece, width_of};

/// A part of the header; the higher its rank, the sooner it leaves.
struct Part {
    rank: u8,
    pieces: Vec<Piece>,
}

const GAP: u16 = 2;

pub fn draw(ink: &mut Ink<'_>, area: Rect, console: &Console) {
    let mut parts = parts(ink, console);
    while parts.len() > 1 && width(&parts) > area.width {
        let Some(worst) = (0..parts.len()).max_by_key(|at| parts[*at].rank) else { break };
        parts.remove(worst);
    }
    let mut x = 0;
    for part in &parts {
        if x >= area.width {
            break;
        }
        x += ink.pieces(area.x + x, area.y, area.width - x, &part.pieces) + GAP;
    }
}

fn width(parts: &[Part]) -> u16 {
    let gaps = GAP * u16::try_from(parts.len().saturating_sub(1)).unwrap_or(0);
    parts.iter().map(|part| width_of(&part.pieces)).sum::<u16>() + gaps
}

fn parts(ink: &Ink<'_>, console: &Console) -> Vec<Part> {
    let theme = ink.theme;
    let part = |rank, pieces| Part { rank, pieces };
    let dim = |rank, text: String| Part { rank, pieces: vec![Piece::new(text, theme.dim())] };
    let mut parts = vec![part(0, band(ink, console)), part(1, writes(ink, console)), part(1, counts(ink, console))];
    if let Some(bench) = &console.bench {
        parts.insert(1, dim(3, bench.scenario.clone()));
        let held = bench.speed < bench.speed_wanted;
        let speed = if held {
            Piece::new(format!("{}× held ({}× asked)", bench.speed, bench.speed_wanted), theme.bold())
        } else {
            Piece::new(format!("{}×", bench.speed), theme.plain())
        };
        parts.insert(2, part(4, vec![speed]));
    }
    if let Some(at) = console.frozen_at {
        let text = format!("FROZEN {} (f)", at.clock());
        parts.insert(1, part(1, vec![Piece::new(text, theme.selected())]));
    }
    parts.push(clock(ink, console));
    parts.push(dim(5, format!("metrics {}", figure::ago(console.picture.metrics.newest_at(), console.now))));
    parts.push(dim(6, format!("queues {}", figure::ago(newest_queue(console), console.now))));
    if !console.options.sandbox
        && let Some(dollars) = console.cost.dollars_per_hour(console.mono)
    {
        parts.push(dim(7, format!("${dollars:.3}/h est")));
    }
    if console.mouse {
        parts.push(dim(8, "mouse".to_owned()));
    }
    parts
}

/// SANDBOX, or whose account and where.
fn band(ink: &Ink<'_>, console: &Console) -> Vec<Piece> {
    let identity = console.picture.identity.as_ref().map(|identity| &identity.value);
    if console.options.sandbox {
        return vec![Piece::new(" SANDBOX ", ink.theme.band_sandbox())];
    }
    let text = match identity {
        Some(identity) => {
            let account = &identity.account;
            let digits = match (account.get(..4), account.get(4..8), account.get(8..12)) {
                (Some(a), Some(b), Some(c)) if account.len() == 12 => format!("{a}-{b}-{c}"),
                _ => account.clone(),
            };
            let alias = identity.alias.as_ref().map(|alias| format!("{alias} · ")).unwrap_or_default();
            format!(" {alias}{digits} · {} ", identity.region)
        }
        None => " account not known yet ".to_owned(),
    };
    vec![Piece::new(text, ink.theme.band_account())]
}

fn writes(ink: &Ink<'_>, console: &Console) -> Vec<Piece> {
    match console.armed {
        Armed::Always => Vec::new(),
        Armed::ReadOnly { locked: true } => vec![Piece::new("read-only, locked", ink.theme.plain())],
        Armed::ReadOnly { locked: false } => vec![Piece::new("read-only (W)", ink.theme.plain())],
        Armed::Until(_) => {
            let left = console.armed.left_ms(console.mono).unwrap_or(0);
            let text = format!("▲ WRITES {} left", figure::age(i64::try_from(left).unwrap_or(i64::MAX)));
            vec![Piece::new(text, ink.theme.severity(Severity::Warning))]
        }
    }
}

fn counts(ink: &Ink<'_>, console: &Console) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for severity in [Severity::Harm, Severity::Warning, Severity::Note] {
        let count = console.count(severity);
        let style = if count > 0 { ink.theme.severity(severity) } else { ink.theme.dim() };
        let space = if pieces.is_empty() { "" } else { " " };
        pieces.push(Piece::new(format!("{space}{severity} {count}"), style));
    }
    pieces
}

/// The account's time in UTC, local time beside it.
fn clock(ink: &Ink<'_>, console: &Console) -> Part {
    let mut pieces = vec![Piece::new(console.now.clock_s(), ink.theme.bold())];
    if let Some(offset_s) = console.options.utc_offset_s {
        let local = console.now.plus_s(i64::from(offset_s)).clock();
        pieces.push(Piece::new(format!(" {}", local.trim_end_matches('Z')), ink.theme.dim()));
    }
    Part { rank: 2, pieces }
}

fn newest_queue(console: &Console) -> Option<Timestamp> {
    console.picture.queues.values().map(|queue| queue.at).max()
}
